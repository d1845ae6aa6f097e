/* Deliveries of notifications: the targets, the API server and the metadata server are the same few lines. */
#include "shell/notify/notifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "data/js.h"
#include "os/file.h"
#include "os/loop.h"
#include "shell/cache/caches.h"
#include "shell/cache/reduce.h"
#include "shell/events/recorder.h"
#include "shell/metrics/telemetry.h"
#include "shell/notify/notify_config.h"

#include "base/banned.h"

enum { GIVE_UP_MS = 10 * 1000, QUIET_MS = 50, NOTIFICATIONS = 3 };

#define EVENTS "POST /apis/events.k8s.io/v1/namespaces/ml/events HTTP"
#define TOKEN  "{\"access_token\":\"t0k3n\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"

/* A job with NOTIFICATIONS pending notifications, n1, n2 and so on, in the cache; and one target, ops. */
struct fixture {
    struct apiserver server;
    struct caches caches;
    struct informer_kind kind;
    struct telemetry *telemetry;
    struct recorder *recorder;
    struct config config;
    char *url, *authorization;
    struct notify_target target;
    struct notify_config targets;
    struct notifier *notifier;
    struct arena *arena;
    json_t *tree;
    struct job job;
    bool may_send, is_waiting;
    int delivered;
};

static struct fixture f;

static void on_listed(void *context)
{
    (void)context;
    loop_stop(f.server.loop, 0);
}

static void run_loop(void)
{
    loop_timer_set(f.server.give_up, GIVE_UP_MS);
    loop_run(f.server.loop);
    loop_timer_set(f.server.give_up, -1);
}

static json_t *make_job(void)
{
    json_t *pending = json_array();
    for (int i = 1; i <= NOTIFICATIONS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "n%d", i);
        json_array_append_new(pending,
                              json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:[s]}", "id", id, "type", "failed",
                                        "attempt", i, "time", "2026-11-30T12:00:00Z", "reason", "OutOfMemory",
                                        "message", "It ran out.", "targets", "ops"));
    }
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:{}, s:{s:{s:o}}}", "metadata", "name", "digits", "namespace",
                     "ml", "uid", "1a2b", "resourceVersion", "7", "spec", "status", "notifications",
                     "pending", pending);
}

/* A list that holds the job; the watch that follows stays unanswered. */
static void fill_cache(void)
{
    char *text CLEANUP(cleanup_free) = js_dump(f.tree);
    char *list CLEANUP(cleanup_free) =
        xasprintf("{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[%s]}", text);
    f.kind = (struct informer_kind){
        .path = "/jobs", .reduce = reduce_job, .free_facts = free, .on_listed = on_listed};
    f.caches.informers[CACHE_JOBS] = informer_new(f.server.loop, f.server.client, &f.kind);
    informer_start(f.caches.informers[CACHE_JOBS]);
    apiserver_answer(apiserver_next(&f.server), "200 OK", list);
    run_loop();
    assert_non_null(strstr(apiserver_next(&f.server)->text, "watch=1"));
}

static bool may_send(void *context)
{
    (void)context;
    return f.may_send;
}

static void on_delivered(void *context, const char *ns, const char *name)
{
    (void)context;
    assert_string_equal(ns, "ml");
    assert_string_equal(name, "digits");
    f.delivered++;
    if (f.is_waiting)
        loop_stop(f.server.loop, 0);
}

static int set_up(void **state)
{
    (void)state;
    f = (struct fixture){.may_send = true, .arena = arena_new(), .tree = make_job()};
    apiserver_init(&f.server);
    fill_cache();
    json_t *ignored CLEANUP(js_free) = NULL;
    if (cached_job_read(caches_job(&f.caches, "ml", "digits"), f.arena, &ignored, &f.job, NULL) < 0)
        return -1;
    json_decref(f.tree);
    f.tree = TAKE_PTR(ignored);
    f.telemetry = telemetry_new();
    f.recorder = recorder_new(f.server.loop, f.server.client, "test", f.telemetry);
    f.config = (struct config){
        .metadata_url = f.server.config->server, .pubsub_url = f.server.config->server, .ca_bundle = ""};
    f.url = xasprintf("%s/hook?secret=1", f.server.config->server);
    f.target = (struct notify_target){.name = "ops", .url = f.url, .ca_bundle = "", .authorization_file = ""};
    f.targets = (struct notify_config){.source = "//test", .targets = &f.target, .count = 1};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notifier_free(f.notifier);
    recorder_free(f.recorder);
    telemetry_free(f.telemetry);
    informer_free(f.caches.informers[CACHE_JOBS]);
    apiserver_fini(&f.server);
    ranges_fini(&f.targets.refused);
    if (f.authorization != NULL)
        unlink(f.authorization);
    free(f.authorization);
    free(f.url);
    json_decref(f.tree);
    arena_free(f.arena);
    return 0;
}

/* The job as the cache holds it, but with the first `count` of its notifications only. */
static void follow(size_t count)
{
    if (f.notifier == NULL) {
        const struct notifier_options options = {.loop = f.server.loop,
                                                 .caches = &f.caches,
                                                 .recorder = f.recorder,
                                                 .telemetry = f.telemetry,
                                                 .targets = &f.targets,
                                                 .config = &f.config,
                                                 .may_send = may_send,
                                                 .on_delivered = on_delivered};
        f.notifier = notifier_new(&options);
    }
    f.job.status.notification_count = count;
    notifier_follow(f.notifier, &f.job);
}

static struct visit *next(const char *start)
{
    struct visit *v = apiserver_next(&f.server);
    if (strncmp(v->text, start, strlen(start)) != 0)
        fail_msg("expected %s, got %.*s", start, (int)strcspn(v->text, "\r"), v->text);
    return v;
}

static void answer_and_wait(struct visit *v, const char *head)
{
    apiserver_answer(v, head, "");
    f.is_waiting = true;
    run_loop();
    f.is_waiting = false;
}

/* The note of the event that is recorded next. */
static const char *next_note(void)
{
    static char note[1100];
    struct visit *v = next(EVENTS);
    json_t *event CLEANUP(js_free) = js_parse(view_from(apiserver_body(v)), "an event", NULL);
    assert_string_equal(js_text(event, "reason"), "NotificationFailed");
    assert_string_equal(js_text(event, "type"), "Warning");
    snprintf(note, sizeof(note), "%s", js_text(event, "note"));
    apiserver_answer(v, "201 Created", "{\"metadata\":{\"uid\":\"e\"}}");
    return note;
}

static void stop(void *context)
{
    (void)context;
    loop_stop(f.server.loop, 0);
}

/* No request comes for a while. */
static void assert_quiet(void)
{
    size_t before = f.server.count;
    struct loop_source *timer = loop_add_timer(f.server.loop, stop, NULL);
    f.server.wanted = before + 1;
    loop_timer_set(timer, QUIET_MS);
    run_loop();
    loop_source_free(timer);
    assert_int_equal(f.server.count, before);
}

static size_t delivered_of_status(const struct delivered **ret)
{
    size_t count;
    *ret = notifier_delivered(f.notifier, &f.job, f.arena, &count);
    return count;
}

/* ---- what is sent, and what counts as delivered ---- */
static void a_webhook_receives_a_cloud_event(void **state)
{
    const struct delivered *list;
    (void)state;
    follow(1);
    struct visit *v = next("POST /hook?secret=1 HTTP");
    json_t *body CLEANUP(js_free) = js_parse(view_from(apiserver_body(v)), "the body", NULL);
    assert_non_null(strstr(v->text, "Content-Type: application/cloudevents+json"));
    assert_null(strstr(v->text, "Authorization:"));
    assert_string_equal(js_text(body, "id"), "n1");
    assert_string_equal(js_text(body, "source"), "//test");
    assert_int_equal(delivered_of_status(&list), 0);
    answer_and_wait(v, "200 OK");
    assert_int_equal(f.delivered, 1);
    assert_int_equal(delivered_of_status(&list), 1);
    assert_string_equal(list[0].id, "n1");
    assert_string_equal(list[0].target, "ops");
}

static void every_status_of_success_is_a_delivery(void **state)
{
    (void)state;
    follow(1);
    answer_and_wait(next("POST /hook"), "299 Fine");
    assert_int_equal(f.delivered, 1);
}

static void a_redirect_is_a_failure_and_is_not_followed(void **state)
{
    const struct delivered *list;
    (void)state;
    follow(1);
    apiserver_answer(next("POST /hook"), "307 Temporary Redirect\r\nLocation: /elsewhere", "");
    const char *note = next_note();
    assert_non_null(strstr(note, "target ops"));
    assert_non_null(strstr(note, "answered 307; redirects are not followed"));
    assert_null(strstr(note, "secret"));
    assert_int_equal(delivered_of_status(&list), 0);
    assert_int_equal(f.delivered, 0);
}

static void a_failed_delivery_is_retried_until_it_succeeds(void **state)
{
    (void)state;
    follow(1);
    apiserver_answer(next("POST /hook"), "503 Service Unavailable", "");
    assert_non_null(strstr(next_note(), "answered 503"));
    answer_and_wait(next("POST /hook"), "204 No Content");
    assert_int_equal(f.delivered, 1);
    follow(1);
    assert_quiet(); /* it is delivered, and waits to be removed from the status */
}

/* ---- what is not sent ---- */
static void a_refused_address_is_not_contacted(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(ranges_add(&f.targets.refused, "127.0.0.0/8", &e), 0);
    follow(1);
    assert_non_null(strstr(next_note(), "is in a refused range"));
    assert_quiet();
}

static void nothing_is_sent_while_another_operator_may_lead(void **state)
{
    (void)state;
    f.may_send = false;
    follow(1);
    assert_quiet();
    f.may_send = true;
    follow(1);
    (void)!next("POST /hook");
}

static void a_target_gets_two_requests_at_a_time(void **state)
{
    (void)state;
    follow(NOTIFICATIONS);
    struct visit *first = next("POST /hook");
    (void)next("POST /hook");
    assert_quiet();
    apiserver_answer(first, "200 OK", "");
    (void)next("POST /hook");
}

static void a_failing_target_gets_one_request_at_a_time(void **state)
{
    (void)state;
    follow(1);
    apiserver_answer(next("POST /hook"), "503 Service Unavailable", "");
    (void)next_note();
    follow(NOTIFICATIONS);
    (void)next("POST /hook"); /* after the pause */
    assert_quiet();
}

/* ---- what is dropped ---- */
static void what_is_no_longer_in_the_status_is_dropped(void **state)
{
    const struct delivered *list;
    (void)state;
    follow(1);
    struct visit *v = next("POST /hook");
    follow(0);
    apiserver_answer(v, "200 OK", "");
    assert_quiet();
    assert_int_equal(f.delivered, 0);
    assert_int_equal(delivered_of_status(&list), 0);
}

static void a_deleted_job_makes_room_for_others(void **state)
{
    (void)state;
    follow(NOTIFICATIONS);
    (void)next("POST /hook");
    (void)next("POST /hook");
    notifier_forget(f.notifier, "ml", "digits");
    assert_quiet();
    follow(1);
    (void)next("POST /hook");
}

/* ---- credentials ---- */
static void write_authorization(const char *text)
{
    struct err e CLEANUP(err_fini) = {0};
    f.authorization = xasprintf("/tmp/authorization.%d", (int)getpid());
    f.target.authorization_file = f.authorization;
    assert_int_equal(file_replace(f.authorization, view_from(text), 0600, &e), 0);
}

static void the_authorization_header_is_the_line_in_the_file(void **state)
{
    (void)state;
    write_authorization("Bearer abc\n");
    follow(1);
    assert_non_null(strstr(next("POST /hook")->text, "\r\nAuthorization: Bearer abc\r\n"));
}

static void an_authorization_of_two_lines_is_not_sent(void **state)
{
    (void)state;
    write_authorization("Bearer abc\nX-Injected: 1\n");
    follow(1);
    assert_non_null(strstr(next_note(), "has more than one line"));
    assert_quiet();
}

static void an_empty_authorization_is_not_sent(void **state)
{
    (void)state;
    write_authorization("\n");
    follow(1);
    assert_non_null(strstr(next_note(), "is empty"));
    assert_quiet();
}

static void a_topic_gets_the_operators_token_and_a_rejected_one_is_fetched_again(void **state)
{
    (void)state;
    f.target = (struct notify_target){
        .name = "ops", .topic = "projects/p/topics/t", .ca_bundle = "", .authorization_file = ""};
    follow(1);
    apiserver_answer(next("GET /computeMetadata/v1/"), "200 OK", TOKEN);
    struct visit *v = next("POST /v1/projects/p/topics/t:publish HTTP");
    assert_non_null(strstr(v->text, "\r\nAuthorization: Bearer t0k3n\r\n"));
    apiserver_answer(v, "401 Unauthorized", "{}");
    (void)next_note();
    apiserver_answer(next("GET /computeMetadata/v1/"), "200 OK", TOKEN);
    answer_and_wait(next("POST /v1/projects/p/topics/t:publish HTTP"), "200 OK");
    assert_int_equal(f.delivered, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_webhook_receives_a_cloud_event),
        TEST(every_status_of_success_is_a_delivery),
        TEST(a_redirect_is_a_failure_and_is_not_followed),
        TEST(a_failed_delivery_is_retried_until_it_succeeds),
        TEST(a_refused_address_is_not_contacted),
        TEST(nothing_is_sent_while_another_operator_may_lead),
        TEST(a_target_gets_two_requests_at_a_time),
        TEST(a_failing_target_gets_one_request_at_a_time),
        TEST(what_is_no_longer_in_the_status_is_dropped),
        TEST(a_deleted_job_makes_room_for_others),
        TEST(the_authorization_header_is_the_line_in_the_file),
        TEST(an_authorization_of_two_lines_is_not_sent),
        TEST(an_empty_authorization_is_not_sent),
        TEST(a_topic_gets_the_operators_token_and_a_rejected_one_is_fetched_again),
    };
    return cmocka_run_group_tests_name("notifier", tests, apiserver_set_up, NULL);
}
