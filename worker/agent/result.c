#include "agent/result.h"

#include <pthread.h>
#include <string.h>

#include "agentapi/failures.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "data/js.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { MESSAGE_MAX = 4096, TEXT_MAX = 1000, PROGRESS_MAX = 600 };

struct result {
    pthread_mutex_t lock;
    json_t *tree;
    struct loop_source *watcher; /* NULL: none */
    bool is_final;               /* failed or succeeded */
};

/* What the message can do without when there is no room for it: the report still has it. */
static char *fitting_text(const json_t *tree)
{
    static const char *const LEAST_WANTED[] = {"progress", "object", "resumedFrom", "checkpoint", "message"};
    json_t *copy CLEANUP(js_free) = json_copy((json_t *)(uintptr_t)tree); /* which it only reads */
    char *text = js_dump(copy);
    for (size_t i = 0; i < ARRAY_LEN(LEAST_WANTED) && strlen(text) > MESSAGE_MAX; i++) {
        if (json_object_del(copy, LEAST_WANTED[i]) < 0)
            continue;
        free(text);
        text = js_dump(copy);
    }
    return text;
}

static void write_out(const struct result *r)
{
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) = fitting_text(r->tree);
    if (file_overwrite(POD_TERMINATION_MESSAGE, view_from(text), &e) < 0)
        log_failure(LOG_LEVEL_ERROR, &e, "could not write the termination message", NULL);
}

static void set_text(struct result *r, const char *key, const char *value)
{
    json_object_set_new(r->tree, key, json_string(value));
}

struct result *result_new(const struct plan *plan)
{
    struct result *r = xcalloc(1, sizeof(*r));
    pthread_mutex_init(&r->lock, NULL);
    r->tree =
        json_pack("{s:i,s:I,s:I,s:s,s:s,s:s}", "version", 1, "attempt", (json_int_t)plan->attempt, "index",
                  (json_int_t)plan->index, "podUID", plan->pod_uid, "result", "Running", "stage", "identity");
    write_out(r);
    return r;
}

void result_free(struct result *r)
{
    if (r == NULL)
        return;
    json_decref(r->tree);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void begin(struct result *r)
{
    pthread_mutex_lock(&r->lock);
}

static void end(struct result *r)
{
    write_out(r);
    if (r->watcher != NULL)
        loop_wake(r->watcher);
    pthread_mutex_unlock(&r->lock);
}

void result_watch(struct result *r, struct loop_source *wake)
{
    pthread_mutex_lock(&r->lock);
    r->watcher = wake;
    pthread_mutex_unlock(&r->lock);
}

json_t *result_copy(struct result *r)
{
    pthread_mutex_lock(&r->lock);
    json_t *copy = json_deep_copy(r->tree);
    pthread_mutex_unlock(&r->lock);
    if (copy == NULL)
        abort();
    return copy;
}

void result_stage(struct result *r, const char *stage)
{
    begin(r);
    set_text(r, "stage", stage);
    end(r);
    log_info("stage", "stage", stage, NULL);
}

void result_exit(struct result *r, int code)
{
    begin(r);
    json_object_set_new(r->tree, "exitCode", json_integer(code));
    end(r);
}

/* Texts of errors are UTF-8. */
static void set_shortened(struct result *r, const char *key, const char *text)
{
    json_object_set_new(r->tree, key, json_stringn(text, utf8_clip(text, TEXT_MAX)));
}

void result_failure(struct result *r, const struct err *e)
{
    char *sentence CLEANUP(cleanup_free) = failure_sentence(e);
    begin(r);
    if (!r->is_final) {
        r->is_final = true;
        set_text(r, "result", "Failed");
        set_text(r, "class", failure_class_name(failure_of_code(e->code)->failure_class));
        set_text(r, "reason", failure_of_code(e->code)->reason);
        set_shortened(r, "message", sentence);
        if (e->object != NULL)
            set_shortened(r, "object", e->object);
    }
    end(r);
}

void result_progress(struct result *r, const json_t *progress)
{
    json_t *copy = json_deep_copy(progress), *metrics = json_object_get(copy, "metrics");
    char *text = js_dump(copy);
    while (strlen(text) > PROGRESS_MAX && json_array_size(metrics) > 0) {
        json_array_remove(metrics, json_array_size(metrics) - 1);
        free(text);
        text = js_dump(copy);
    }
    free(text);
    begin(r);
    json_object_set_new(r->tree, "progress", copy);
    write_out(r);
    pthread_mutex_unlock(&r->lock);
}

void result_success(struct result *r)
{
    begin(r);
    if (!r->is_final) {
        r->is_final = true;
        set_text(r, "result", "Succeeded");
    }
    end(r);
}

void result_resumed_from(struct result *r, const char *name, int64_t step)
{
    begin(r);
    json_object_set_new(r->tree, "resumedFrom",
                        json_pack("{s:s,s:I}", "name", name, "step", (json_int_t)step));
    end(r);
}

void result_checkpoint(struct result *r, const char *uri, const struct head *head)
{
    begin(r);
    json_object_set_new(r->tree, "checkpoint",
                        json_pack("{s:s,s:s,s:I,s:s,s:s}", "uri", uri, "name", head->name, "step",
                                  (json_int_t)head->step, "time", head->time, "manifestSHA256",
                                  head->manifest.sha256));
    end(r);
}

void result_output(struct result *r, const struct publication *output)
{
    begin(r);
    json_object_set_new(
        r->tree, "output",
        json_pack("{s:s,s:s}", "uri", output->uri, "manifestSHA256", output->manifest.sha256));
    end(r);
}
