/*
 * The facts and the fingerprint of each pod of a list, one a line: reads the list as the API server gives it,
 * in JSON or in protobuf (its file's name is the argument), with the operator's own framer and reduction.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/alloc.h"
#include "core/model/fingerprint.h"
#include "core/model/pod_wire.h"
#include "core/model/world.h"
#include "data/skim.h"
#include "kube/framer.h"
#include "os/file.h"

#include "base/banned.h"

enum { LIST_MAX = 256 * 1024 * 1024, ITEM_MAX = 8 * 1024 * 1024, PIECE = 16 * 1024 };

static json_t *container(const struct container_facts *c)
{
    return json_pack("{s:i, s:s, s:s, s:i, s:i, s:I, s:i, s:I}", "state", (int)c->state, "reason", c->reason,
                     "message", c->message, "exit_code", c->exit_code, "signal", c->signal, "finished_us",
                     (json_int_t)c->finished_us, "restarts", c->restarts, "image", (json_int_t)c->image);
}

static json_t *facts_as_json(const struct pod_facts *f)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "namespace", f->ns, "name", f->name,
                          "uid", f->uid, "resource_version", f->resource_version, "job_uid", f->job_uid,
                          "job_name", f->job_name, "owner_uid", f->owner_uid, "node", f->node);
    json_t *times = json_pack("{s:I, s:I, s:I}", "created_us", (json_int_t)f->created_us, "started_us",
                              (json_int_t)f->started_us, "deletion_us", (json_int_t)f->deletion_us);
    json_t *flags = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "is_deleting", f->is_deleting, "is_forced",
                              f->is_forced, "is_ready", f->is_ready, "is_changed", f->is_changed, "is_gated",
                              f->is_gated, "is_group_over", f->is_group_over);
    json_t *numbers =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "phase", (int)f->phase, "attempt", f->attempt,
                  "index", f->index, "agent_ended_code", f->agent_ended_code, "selection", (int)f->selection,
                  "selector_count", f->selector_count, "technology", (int)f->technology);
    json_t *texts =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "group", f->group, "reason", f->reason,
                  "message", f->message, "disruption_reason", f->disruption_reason, "disruption_message",
                  f->disruption_message, "other_conditions", f->other_conditions, "agent_ended_reason",
                  f->agent_ended_reason, "unschedulable_message", f->unschedulable_message);
    char usual[USUAL_CONDITIONS + 1] = {0};
    for (size_t i = 0; i < USUAL_CONDITIONS; i++)
        usual[i] = f->usual_conditions[i] != '\0' ? f->usual_conditions[i] : '-';
    json_object_set_new(texts, "usual_conditions", json_string(usual));
    json_t *containers = json_pack("{s:o, s:o, s:o}", "install", container(&f->install), "agent",
                                   container(&f->agent), "trainer", container(&f->trainer));
    json_t *parts[] = {times, flags, numbers, texts, containers};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        json_object_update(o, parts[i]);
        json_decref(parts[i]);
    }
    return o;
}

static int on_item(void *context, struct view text, struct err *e)
{
    struct pod_facts *f = pod_facts_new(text, NULL);
    (void)context;
    if (f == NULL)
        return FAIL(e, ERR_INVALID, "a pod without a name");
    char fingerprint[FINGERPRINT_SIZE];
    pod_fingerprint(skim_at(text, "spec"), fingerprint);
    json_t *o = facts_as_json(f);
    json_object_set_new(o, "fingerprint", json_string(fingerprint));
    json_dumpf(o, stdout, JSON_SORT_KEYS | JSON_COMPACT);
    (void)putchar('\n');
    json_decref(o);
    free(f);
    return 0;
}

static int feed(struct framer *f, const char *bytes, size_t length, struct err *e)
{
    for (size_t at = 0; at < length; at += PIECE)
        if (framer_feed(f, bytes + at, length - at < PIECE ? length - at : PIECE, e) < 0)
            return -1;
    return f->is_complete ? 0 : FAIL(e, ERR_PROTOCOL, "the list broke off");
}

int main(int argc, char **argv)
{
    struct err e CLEANUP(err_fini) = {0};
    size_t length = 0;
    char *bytes CLEANUP(cleanup_free) = argc == 2 ? file_read(argv[1], LIST_MAX, &length, &e) : NULL;
    struct framer f;
    if (bytes == NULL)
        return EXIT_FAILURE;
    framer_init(&f, FRAMER_LIST, ITEM_MAX, on_item, NULL);
    if (bytes[0] == 'k')
        framer_expect_protobuf(&f, &pod_wire);
    int result = feed(&f, bytes, length, &e);
    framer_fini(&f);
    if (result < 0)
        (void)fprintf(stderr, "%s\n", e.text);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
