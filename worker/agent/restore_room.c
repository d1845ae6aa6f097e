#include "agent/restore_room.h"

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "checkpoint/snapshot.h"
#include "os/log.h"

#include "base/banned.h"

struct restore_room restore_room_of(const struct assignment *assignment, const struct footprint *inputs,
                                    struct report_writer *report)
{
    struct restore_room r = {.report = report, .room = input_room_of(assignment)};
    r.room.used = *inputs;
    return r;
}

/* What the next attempt would restore. */
static struct manifest part_with_room(const struct restore_room *r, const struct manifest *snapshot)
{
    struct manifest part = {.kind = NULL};
    manifest_add_copies(&part, snapshot);
    (void)snapshot_fit(&part, &r->room);
    return part;
}

static void warn(const struct restore_room *r, const struct footprint *files, const char *problem,
                 const char *what, const char *remedy)
{
    char *needs CLEANUP(cleanup_free) = input_room_text(footprint_needs(&r->room, files));
    char *limit CLEANUP(cleanup_free) = input_room_text(r->room.volume_bytes);
    char *sentence CLEANUP(cleanup_free) =
        xasprintf("The next attempt %s: the inputs and %s need %s, but staging.inputLimit is %s. %s", problem,
                  what, needs, limit, remedy);
    log_warning("what is committed does not fit into staging.inputLimit beside the inputs", "needs", needs,
                "limit", limit, "what", what, NULL);
    report_writer_warning(r->report, sentence);
}

static void say_part(struct restore_room *r, const struct footprint *all)
{
    if (!r->has_said_part)
        warn(r, all, "would not restore the oldest checkpoints", "all checkpoints",
             "They stay in the bucket.");
    r->has_said_part = true;
}

static void say_none(struct restore_room *r, const struct footprint *newest)
{
    if (!r->has_said_none)
        warn(r, newest, "would fail with InputVolumeFull", "the newest checkpoint",
             "Let the program delete the files in " TRAINER_CHECKPOINTS
             " that it does not need, or create the job again with a larger staging.inputLimit.");
    r->has_said_none = true;
}

void restore_room_check(struct restore_room *r, const struct manifest *snapshot)
{
    const struct footprint all = snapshot_footprint(snapshot);
    if (r->report == NULL || footprint_fits(&r->room, &all))
        return;
    struct manifest part = part_with_room(r, snapshot);
    const struct footprint newest = snapshot_footprint(&part);
    manifest_fini(&part);
    if (footprint_fits(&r->room, &newest))
        say_part(r, &all);
    else
        say_none(r, &newest);
}
