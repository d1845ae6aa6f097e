#include "agent/input_room.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include "base/banned.h"

#define MIB (UINT64_C(1) << 20)

/* What the agent takes apart from files, as measured with 8 connections: 17 MiB, and 5 MiB more while it
 * lists objects. Few files need no memory of their own. */
enum { AGENT_MIB = 8, CONNECTION_MIB = 2, RECORDS_MIN_MIB = 1, SIZE_TEXT = 32 };

struct footprint_room input_room_of(const struct assignment *assignment)
{
    uint64_t memory = (uint64_t)assignment->agent_memory_bytes;
    uint64_t own = (AGENT_MIB + (uint64_t)assignment->connections * CONNECTION_MIB) * MIB;
    uint64_t least = RECORDS_MIN_MIB * MIB;
    return (struct footprint_room){.volume_bytes = (uint64_t)assignment->input_limit_bytes,
                                   .record_bytes = memory > own + least ? memory - own : least};
}

char *input_room_text(uint64_t bytes)
{
    return bytes % MIB == 0 ? xasprintf("%lluMi", (unsigned long long)(bytes / MIB))
                            : xasprintf("%llu bytes", (unsigned long long)bytes);
}

static unsigned long long in_mib(uint64_t bytes)
{
    return bytes / MIB + (bytes % MIB != 0);
}

/* How the need comes about, where it is not the content. */
static void add_records(struct strbuf *text, const struct footprint_room *room, const struct footprint *all)
{
    strbuf_addf(text, " (in whole pages of 4 KiB the files take %lluMi", in_mib(all->page_bytes));
    if (all->record_bytes > room->record_bytes)
        strbuf_addf(text,
                    "; the kernel and the agent need %lluMi more to keep track of them, of which the chart "
                    "value worker.agentMemory provides %lluMi",
                    in_mib(all->record_bytes), (unsigned long long)(room->record_bytes / MIB));
    strbuf_addf(text, ")");
}

int input_room_check(const struct footprint_room *room, const struct footprint *f, const char *largest,
                     uint64_t largest_bytes, struct err *e)
{
    struct footprint all = room->used;
    if (footprint_fits(room, f))
        return 0;
    footprint_add(&all, f);
    char *limit CLEANUP(cleanup_free) = input_room_text(room->volume_bytes);
    struct strbuf text = STRBUF(4096);
    strbuf_addf(&text,
                "staging.inputLimit is %s, but the inputs and the restored checkpoint, %llu file%s with %llu "
                "bytes, need at least %lluMi",
                limit, (unsigned long long)all.files, all.files == 1 ? "" : "s",
                (unsigned long long)all.content_bytes, in_mib(footprint_needs(room, f)));
    if (all.files > 1)
        add_records(&text, room, &all);
    strbuf_addf(&text, "; the largest file is %s with %llu bytes", largest,
                (unsigned long long)largest_bytes);
    err_set(e, ERR_INPUT_VOLUME_FULL, largest, "%s", strbuf_text(&text));
    strbuf_fini(&text);
    return -1;
}
