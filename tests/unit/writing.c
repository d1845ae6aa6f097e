#include "writing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/loop.h"
#include "shell/reconcile/write.h"

#include "base/banned.h"

enum { GIVE_UP_MS = 10 * 1000 };

static const struct job_status status = {.phase = PHASE_RUNNING, .attempt = 1, .reason = "r", .message = "m"};
static const struct pod_owner owner = {"digits-worker-0-1", "u-pod"};

const struct action set_status = {.kind = ACTION_SET_STATUS, .status = &status};
const struct action confirm = {.kind = ACTION_CONFIRM_JOB};
const struct action create_service = {.kind = ACTION_CREATE_SERVICE, .name = "x"};
const struct action create_policy = {.kind = ACTION_CREATE_POLICY, .name = "x"};
const struct action update_policy = {
    .kind = ACTION_UPDATE_POLICY, .name = "x", .version = "7", .attempt = 1, .pods = &owner, .pod_count = 1};
const struct action create_pod = {.kind = ACTION_CREATE_POD,
                                  .name = "x",
                                  .attempt = 3,
                                  .index = 1,
                                  .technology = TECHNOLOGY_SEV,
                                  .group = ""};
const struct action delete_pod = {.kind = ACTION_DELETE_POD, .name = "x", .uid = "u1", .grace_seconds = -1};
const struct action force_delete_pod = {.kind = ACTION_DELETE_POD, .name = "x", .uid = "u1"};
const struct action end_group = {.kind = ACTION_END_GROUP, .name = "x", .uid = "u1"};
const struct action delete_service = {.kind = ACTION_DELETE_SERVICE, .name = "x", .uid = "u1"};
const struct action delete_policy = {.kind = ACTION_DELETE_POLICY, .name = "x", .uid = "u1"};
const struct action ask_autoscaler = {.kind = ACTION_ASK_AUTOSCALER, .name = "x", .uid = "u1"};

static void never(void *item)
{
    (void)item;
}

int writing_setup(void **state)
{
    static struct writing w;
    void *rendering;
    w = (struct writing){.ended = 0};
    if (rendering_setup(&rendering) < 0)
        return -1;
    w.rendering = rendering;
    apiserver_init(&w.server);
    w.reconciler = (struct reconciler){.client = w.server.client, .config = &rendering_config};
    w.r = (struct reconcile){.reconciler = &w.reconciler,
                             .item = queue_item_new(w.server.loop, "ml", "digits", never, NULL),
                             .tree = w.rendering->object,
                             .job = w.rendering->job};
    w.r.job.resource_version = "41";
    *state = &w;
    return 0;
}

int writing_teardown(void **state)
{
    struct writing *w = *state;
    void *rendering = w->rendering;
    writing_cancel(w);
    queue_item_free(w->r.item);
    apiserver_fini(&w->server);
    return rendering_teardown(&rendering);
}

static void on_end(struct write *write)
{
    struct writing *w = (struct writing *)(void *)((char *)write->reconcile - offsetof(struct writing, r));
    assert_null(write->call);
    w->ended++;
    loop_stop(w->server.loop, 0);
}

struct visit *writing_send(struct writing *w, const struct action *a)
{
    w->r.writes[0] = (struct write){.reconcile = &w->r, .action = a, .on_end = on_end};
    write_start(&w->r.writes[0]);
    return apiserver_next(&w->server);
}

void writing_answer(struct writing *w, struct visit *v, const char *head, const char *body)
{
    apiserver_answer(v, head, body);
    loop_timer_set(w->server.give_up, GIVE_UP_MS);
    loop_run(w->server.loop);
    loop_timer_set(w->server.give_up, -1);
    assert_int_equal(w->ended, 1);
}

void writing_cancel(struct writing *w)
{
    kube_call_cancel(w->r.writes[0].call);
    w->r.writes[0].call = NULL;
}
