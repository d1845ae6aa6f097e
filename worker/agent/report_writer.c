#include "agent/report_writer.h"

#include <pthread.h>
#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "data/js.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { TEXT_MAX = 1000, WARNING_MAX = 600, PROGRESS_MAX = 600 };

struct report_writer {
    pthread_mutex_t lock;
    struct report report;
    struct arena *texts;            /* of the report, but for those of its checkpoint */
    struct arena *checkpoint_texts; /* a new one for each checkpoint */
    json_t *progress;               /* NULL: none */
    struct loop_source *watcher;    /* NULL: none */
};

static char *text_of(const struct report *report)
{
    json_t *tree CLEANUP(js_free) = report_encode(report);
    return js_dump(tree);
}

/* Leaves out what the message can best do without when there is no room for it: what is posted still has it.
 */
static char *fitting_text(struct report report)
{
    char *text = text_of(&report);
    for (int step = 0; step < 3 && strlen(text) > REPORT_BYTES_MAX; step++) {
        if (step == 0)
            report.progress = NULL;
        else if (step == 1)
            report.checkpoint = REPORT_NONE.checkpoint;
        else
            report.message = "";
        free(text);
        text = text_of(&report);
    }
    return text;
}

static void write_message(const struct report_writer *w)
{
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) = fitting_text(w->report);
    if (file_overwrite(POD_TERMINATION_MESSAGE, view_from(text), &e) < 0)
        log_failure(LOG_LEVEL_ERROR, &e, "could not write the termination message", NULL);
}

struct report_writer *report_writer_new(const struct assignment *assignment)
{
    struct report_writer *w = xcalloc(1, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    w->texts = arena_new();
    w->checkpoint_texts = arena_new();
    w->report = REPORT_NONE;
    w->report.pod_uid = assignment->pod_uid;
    w->report.attempt = assignment->attempt;
    w->report.index = assignment->index;
    w->report.stage = STAGE_IDENTITY;
    write_message(w);
    return w;
}

void report_writer_free(struct report_writer *w)
{
    if (w == NULL)
        return;
    json_decref(w->progress);
    arena_free(w->checkpoint_texts);
    arena_free(w->texts);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* ---- changes ---- */

static void begin(struct report_writer *w)
{
    pthread_mutex_lock(&w->lock);
}

static void end(struct report_writer *w)
{
    write_message(w);
    if (w->watcher != NULL)
        loop_wake(w->watcher);
    pthread_mutex_unlock(&w->lock);
}

void report_writer_watch(struct report_writer *w, struct loop_source *wake)
{
    pthread_mutex_lock(&w->lock);
    w->watcher = wake;
    pthread_mutex_unlock(&w->lock);
}

char *report_writer_text(struct report_writer *w, const json_t *progress)
{
    pthread_mutex_lock(&w->lock);
    struct report report = w->report;
    if (progress != NULL)
        report.progress = progress;
    char *text = text_of(&report);
    pthread_mutex_unlock(&w->lock);
    return text;
}

void report_writer_stage(struct report_writer *w, enum report_stage stage)
{
    begin(w);
    w->report.stage = stage;
    end(w);
    log_info("reached a stage", "stage", report_stage_name(stage), NULL);
}

void report_writer_exit(struct report_writer *w, int code)
{
    begin(w);
    w->report.exit_code = code;
    end(w);
}

void report_writer_failure(struct report_writer *w, const struct err *e)
{
    const struct failure *failure = failure_of_code(e->code);
    char *sentence CLEANUP(cleanup_free) = failure_sentence(e);
    begin(w);
    if (w->report.result == RESULT_RUNNING) {
        w->report.result = RESULT_FAILED;
        w->report.failure_class = failure->failure_class;
        w->report.reason = failure->reason;
        /* Texts of errors are UTF-8. */
        w->report.message = arena_view_dup(w->texts, view_of(sentence, utf8_clip(sentence, TEXT_MAX)));
    }
    end(w);
}

void report_writer_warning(struct report_writer *w, const char *sentence)
{
    begin(w);
    char *all CLEANUP(cleanup_free) =
        xasprintf("%s%s%s", w->report.warning, *w->report.warning != '\0' ? " " : "", sentence);
    w->report.warning = arena_view_dup(w->texts, view_of(all, utf8_clip(all, WARNING_MAX)));
    end(w);
}

void report_writer_success(struct report_writer *w)
{
    begin(w);
    if (w->report.result == RESULT_RUNNING)
        w->report.result = RESULT_SUCCEEDED;
    end(w);
}

void report_writer_progress(struct report_writer *w, const json_t *progress)
{
    json_t *copy = json_deep_copy(progress), *metrics = json_object_get(copy, "metrics");
    char *text = js_dump(copy);
    while (strlen(text) > PROGRESS_MAX && json_array_size(metrics) > 0) {
        json_array_remove(metrics, json_array_size(metrics) - 1);
        free(text);
        text = js_dump(copy);
    }
    free(text);
    begin(w);
    json_decref(w->progress);
    w->report.progress = w->progress = copy;
    write_message(w);
    pthread_mutex_unlock(&w->lock);
}

void report_writer_checkpoint(struct report_writer *w, const struct checkpoint_ref *checkpoint)
{
    begin(w);
    arena_free(w->checkpoint_texts);
    w->checkpoint_texts = arena_new();
    w->report.checkpoint = (struct checkpoint_ref){
        .uri = arena_strdup(w->checkpoint_texts, checkpoint->uri),
        .name = arena_strdup(w->checkpoint_texts, checkpoint->name),
        .step = checkpoint->step,
        .at = checkpoint->at,
        .time = arena_strdup(w->checkpoint_texts, checkpoint->time),
        .manifest_sha256 = arena_strdup(w->checkpoint_texts, checkpoint->manifest_sha256)};
    end(w);
}

void report_writer_restored(struct report_writer *w, const struct restored_ref *restored)
{
    begin(w);
    w->report.restored =
        (struct restored_ref){.name = arena_strdup(w->texts, restored->name), .at = restored->at};
    end(w);
}

void report_writer_output(struct report_writer *w, const struct output_ref *output)
{
    begin(w);
    w->report.output =
        (struct output_ref){.uri = arena_strdup(w->texts, output->uri),
                            .manifest_sha256 = arena_strdup(w->texts, output->manifest_sha256)};
    end(w);
}
