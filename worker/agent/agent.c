#include "agent/agent.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/checkpoints.h"
#include "agent/destinations.h"
#include "agent/environment.h"
#include "agent/gate.h"
#include "agent/monitor.h"
#include "agent/output.h"
#include "agent/program_end.h"
#include "agent/restore.h"
#include "agent/staged.h"
#include "agent/staging.h"
#include "agent/stray_checkpoints.h"
#include "agentapi/failures.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { SCAN_MS = 1000, END_MS = 10 * 1000 };

struct agent {
    struct arena *texts; /* of the assignment */
    struct assignment assignment;
    struct http_tls tls;
    struct gcp_config gcp; /* as the job's service account */
    struct keyring keys;
    struct report_writer *report;
    bool has_said_stray; /* the work thread's */

    struct loop *loop;
    struct gate *gate;
    struct monitor *monitor;
    struct loop_source *wake; /* work thread -> main thread */
    int poke[2];              /* main thread -> work thread: a pipe */

    pthread_mutex_t lock; /* guards what follows */
    enum gate_state gate_state;
    char *gate_text;
    struct program_end end;
    bool is_ending; /* SIGTERM has come */
    bool is_over;   /* the work thread has nothing more to do */
    struct checkpoints
        *checkpoints; /* NULL: none asked for, or not this worker's task. Set by the work thread */
};

/* ---- between the threads ---- */
static void tell_gate(struct agent *a, enum gate_state state, const char *text)
{
    pthread_mutex_lock(&a->lock);
    a->gate_state = state;
    free(a->gate_text);
    a->gate_text = xstrdup(text);
    pthread_mutex_unlock(&a->lock);
    loop_wake(a->wake);
}

static void on_wake(void *context)
{
    struct agent *a = context;
    pthread_mutex_lock(&a->lock);
    enum gate_state state = a->gate_state;
    char *text CLEANUP(cleanup_free) = xstrdup(a->gate_text);
    bool is_over = a->is_over;
    pthread_mutex_unlock(&a->lock);
    gate_set(a->gate, state, text);
    if (is_over)
        loop_stop(a->loop, 0);
}

static void poke_worker(struct agent *a)
{
    if (write(a->poke[1], "", 1) < 0)
        return; /* the pipe is full: the thread wakes up anyway */
}

static void on_exited(void *context, int code, bool is_terminated)
{
    struct agent *a = context;
    pthread_mutex_lock(&a->lock);
    bool is_news = a->end.code < 0;
    pthread_mutex_unlock(&a->lock);
    if (!is_news)
        return;
    monitor_catch_up(a->monitor);
    pthread_mutex_lock(&a->lock);
    a->end = (struct program_end){code, is_terminated};
    pthread_mutex_unlock(&a->lock);
    poke_worker(a);
}

/* The program names a checkpoint. */
static void on_named(void *context, const char *path)
{
    struct agent *a = context;
    pthread_mutex_lock(&a->lock);
    if (a->checkpoints != NULL)
        checkpoints_name(a->checkpoints, path);
    pthread_mutex_unlock(&a->lock);
}

/* The trainer's container has a memory limit of its own, so its swap is not what the agent's own check saw.
 */
static void on_swap(void *context)
{
    struct agent *a = context;
    struct err e CLEANUP(err_fini) = {0};
    (void)FAIL(&e, ERR_SWAP_ENABLED,
               "the node has swap and the trainer's container may use it: plaintext could reach a disk");
    char *sentence CLEANUP(cleanup_free) = failure_sentence(&e);
    log_failure(LOG_LEVEL_ERROR, &e, "not starting the command", NULL);
    report_writer_failure(a->report, &e);
    gate_set(a->gate, GATE_FAIL, sentence);
}

static struct program_end trainer_end(struct agent *a)
{
    pthread_mutex_lock(&a->lock);
    struct program_end end = a->end;
    pthread_mutex_unlock(&a->lock);
    return end;
}

static bool has_ended(struct agent *a)
{
    return trainer_end(a).code >= 0;
}

static bool is_ending(struct agent *a)
{
    pthread_mutex_lock(&a->lock);
    bool answer = a->is_ending;
    pthread_mutex_unlock(&a->lock);
    return answer;
}

static void set_checkpoints(struct agent *a, struct checkpoints *c)
{
    pthread_mutex_lock(&a->lock);
    a->checkpoints = c;
    pthread_mutex_unlock(&a->lock);
}

static void begin_stage(struct agent *a, enum report_stage stage)
{
    report_writer_stage(a->report, stage);
    tell_gate(a, GATE_WAIT, report_stage_name(stage));
}

/* ---- stages, on the work thread ---- */
static int learn_identity(struct agent *a, struct err *e)
{
    begin_stage(a, STAGE_IDENTITY);
    const struct secret *token = credentials_hold_token(a->gcp.credentials, e);
    credentials_release_token(a->gcp.credentials, token);
    return token == NULL ? -1 : 0;
}

/* Inputs stay staged when this container is restarted: the trainer may be reading them. */
static bool is_staged(struct footprint *ret_inputs)
{
    if (!staged_read(ret_inputs))
        return false;
    log_info("resuming after a restart: inputs are already staged", NULL);
    return true;
}

/* All is counted before any of it is fetched. *ret_inputs: what the inputs take. */
static int stage(struct agent *a, const struct snapshot_found *found, struct footprint *ret_inputs,
                 struct err *e)
{
    struct staging s CLEANUP(staging_fini) = staging_of(&a->assignment, &a->keys);
    struct restore_part part CLEANUP(restore_part_fini) = {.left_out = 0};
    begin_stage(a, STAGE_STAGING);
    if (stage_list_inputs(&s, e) < 0 || restore_choose(&s, found, &part, e) < 0 ||
        stage_fetch_inputs(&s, e) < 0 || restore_fetch(&s, found, &part, a->report, e) < 0)
        return -1;
    *ret_inputs = s.room.used;
    return staged_write(ret_inputs, e);
}

static int open_keys_and_stage(struct agent *a, struct head *head, struct snapshot_found *found,
                               struct err *e)
{
    bool has_checkpoints = *a->assignment.checkpoints_uri != '\0';
    struct footprint inputs = {.files = 0};
    begin_stage(a, STAGE_KEYS);
    if (keyring_open(&a->keys, &a->assignment, &a->gcp, e) < 0 ||
        (has_checkpoints && restore_find(&a->assignment, &a->keys, head, found, e) < 0))
        return -1;
    restore_report(&a->assignment, found, a->report);
    if (!is_staged(&inputs) && stage(a, found, &inputs, e) < 0)
        return -1;
    if (!has_checkpoints || a->assignment.index != 0)
        return 0;
    struct checkpoints *c = checkpoints_new(&a->assignment, &a->keys, a->report, head, &found->manifest, e);
    if (c == NULL)
        return -1;
    checkpoints_watch_room(c, &a->assignment, &inputs);
    set_checkpoints(a, c);
    return 0;
}

static int prepare(struct agent *a, struct err *e)
{
    struct head head CLEANUP(head_fini) = {.generation = 0};
    struct snapshot_found found CLEANUP(snapshot_found_fini) = {.at = {.name = NULL}};
    if (stage_check_swap(e) < 0 || learn_identity(a, e) < 0 ||
        destinations_read_head(&a->assignment, &a->gcp, a->report, &head, e) < 0 ||
        destinations_check(&a->assignment, &a->gcp, e) < 0 || open_keys_and_stage(a, &head, &found, e) < 0)
        return -1;
    report_writer_stage(a->report, STAGE_RUNNING);
    tell_gate(a, GATE_OPEN, "");
    return 0;
}

/* A network failure does not end training: what could not be committed stays in the volume and is committed
 * by a later look. */
static int look_at_checkpoints(struct agent *a, struct err *e)
{
    if (*a->assignment.checkpoints_uri != '\0' && a->assignment.index != 0)
        stray_checkpoints_look(a->report, &a->has_said_stray);
    if (a->checkpoints == NULL || checkpoints_look(a->checkpoints, e) == 0)
        return 0;
    if (!err_code_is_retryable(e->code))
        return -1;
    log_failure(LOG_LEVEL_WARNING, e, "could not commit a checkpoint, will retry", NULL);
    err_fini(e);
    return 0;
}

static int end_checkpoints(struct agent *a, struct err *e)
{
    return a->checkpoints == NULL ? 0 : checkpoints_end(a->checkpoints, trainer_end(a).code == 0, e);
}

static void wait_for_news(struct agent *a)
{
    struct pollfd fds[2] = {{.fd = a->poke[0], .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    char bytes[64];
    if (a->checkpoints != NULL)
        fds[1].fd = checkpoints_fd(a->checkpoints);
    (void)poll(fds, 2, SCAN_MS);
    if ((fds[0].revents & POLLIN) != 0 && read(a->poke[0], bytes, sizeof(bytes)) < 0)
        log_warning("could not read the wake-up pipe", NULL);
}

static int supervise(struct agent *a, struct err *e)
{
    while (!has_ended(a) && !is_ending(a)) {
        wait_for_news(a);
        if (look_at_checkpoints(a, e) < 0)
            return -1;
    }
    return 0;
}

static int conclude(struct agent *a, struct err *e)
{
    const struct program_end end = trainer_end(a);
    struct err why CLEANUP(err_fini) = {0};
    report_writer_exit(a->report, end.code);
    report_writer_stage(a->report, STAGE_PUBLISHING);
    tell_gate(a, GATE_PUBLISH, "");
    if (end_checkpoints(a, e) < 0)
        return -1;
    bool lacks_room = a->checkpoints != NULL && checkpoints_lack_room(a->checkpoints);
    bool is_success = program_end_is_success(&end, lacks_room, &why);
    if (is_success && a->assignment.must_publish &&
        output_publish(&a->assignment, &a->keys, a->report, e) < 0)
        return -1;
    report_writer_stage(a->report, STAGE_DONE);
    if (is_success)
        report_writer_success(a->report);
    else
        report_writer_failure(a->report, &why);
    tell_gate(a, GATE_DONE, "");
    return 0;
}

/* Drops the token, which is not needed any more, and leaves the failure for the operator to read. */
static void give_up(struct agent *a, struct err *e)
{
    char *sentence CLEANUP(cleanup_free) = failure_sentence(e);
    log_failure(LOG_LEVEL_ERROR, e, "the worker failed", NULL);
    report_writer_failure(a->report, e);
    credentials_forget_token(a->gcp.credentials);
    tell_gate(a, GATE_FAIL, sentence);
}

static void *work(void *context)
{
    struct agent *a = context;
    struct err e CLEANUP(err_fini) = {0};
    int result = prepare(a, &e);
    if (result == 0)
        result = supervise(a, &e);
    if (result == 0)
        result = has_ended(a) ? conclude(a, &e) : end_checkpoints(a, &e);
    if (result < 0)
        give_up(a, &e);
    struct checkpoints *c = a->checkpoints;
    set_checkpoints(a, NULL);
    checkpoints_free(c);
    keyring_wipe(&a->keys);
    while (!is_ending(a)) {
        char byte;
        if (read(a->poke[0], &byte, 1) < 0)
            break;
    }
    pthread_mutex_lock(&a->lock);
    a->is_over = true;
    pthread_mutex_unlock(&a->lock);
    loop_wake(a->wake);
    return NULL;
}

/* ---- main thread ---- */
static void force_end(void *context)
{
    (void)context;
    _exit(0);
}

static void on_sigterm(void *context)
{
    struct agent *a = context;
    struct loop_source *deadline = loop_add_timer(a->loop, force_end, a);
    loop_timer_set(deadline, END_MS);
    pthread_mutex_lock(&a->lock);
    a->is_ending = true;
    pthread_mutex_unlock(&a->lock);
    poke_worker(a);
}

static int agent_init(struct agent *a, struct err *e)
{
    a->texts = arena_new();
    if (environment_read(a->texts, &a->assignment, e) < 0)
        return -1;
    a->end.code = -1;
    a->gate_text = xstrdup("starting");
    pthread_mutex_init(&a->lock, NULL);
    if (pipe(a->poke) < 0)
        return FAIL_ERRNO(e, "making a pipe");
    a->tls.ca_pem = *a->assignment.ca_bundle != '\0' ? a->assignment.ca_bundle : NULL;
    a->gcp = (struct gcp_config){.kms_url = a->assignment.kms_url,
                                 .storage_url = a->assignment.storage_url,
                                 .tls = &a->tls,
                                 .retry = GCP_RETRY_POLICY,
                                 .remedy = failure_remedy};
    a->gcp.credentials = credentials_from_metadata(a->assignment.metadata_url, &a->gcp.retry);
    a->report = report_writer_new(&a->assignment);
    a->loop = loop_new();
    a->wake = loop_add_wake(a->loop, on_wake, a);
    a->gate = gate_new(a->loop, POD_SOCKET, on_exited, on_swap, a, e);
    if (a->gate == NULL)
        return -1;
    a->monitor = monitor_new(a->loop, &a->assignment, a->report, a->gate, on_named, a);
    return 0;
}

int agent_serve(struct err *e)
{
    static struct agent a; /* the work thread may outlive this function for a moment */
    pthread_t thread;
    signal(SIGIO, SIG_IGN);   /* a broken lease on a checkpoint file sends it */
    signal(SIGPIPE, SIG_IGN); /* libevent writes to who may have hung up */
    if (agent_init(&a, e) < 0)
        return -1;
    struct loop_source *sigterm = loop_add_signal(a.loop, SIGTERM, on_sigterm, &a);
    if (pthread_create(&thread, NULL, work, &a) != 0)
        return FAIL_ERRNO(e, "starting the work thread");
    int code = loop_run(a.loop);
    pthread_join(thread, NULL);
    loop_source_free(sigterm);
    monitor_free(a.monitor);
    gate_free(a.gate);
    loop_source_free(a.wake);
    loop_free(a.loop);
    report_writer_free(a.report);
    credentials_free(a.gcp.credentials);
    arena_free(a.texts);
    free(a.gate_text);
    return code;
}
