#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum { MARGIN = 64, MEMBERS = 4 };

/* How it saves. */
struct style {
    int gap_ms;       /* between the files of one save */
    int pause_ms;     /* between saves, about */
    bool is_rotating; /* removes old ones */
    int step;
    int members; /* files of this save */
    int work_ms; /* for a file, at most */
};

/* ---- acts ---- */
__attribute__((format(printf, 2, 3))) static void set_path(char ret[PATH_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret, PATH_SIZE, format, args);
    va_end(args);
}

static struct act *add(struct program *p, enum change_kind kind)
{
    struct act *a = &p->acts[p->count++];
    *a = (struct act){.kind = kind, .at_ms = p->now_ms, .set = p->set};
    return a;
}

__attribute__((format(printf, 3, 4))) static void act_on(struct program *p, enum change_kind kind,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(add(p, kind)->path, PATH_SIZE, format, args);
    va_end(args);
}

static void write_file(struct program *p, const char *path, int most_ms)
{
    act_on(p, CHANGE_WRITTEN, "%s", path);
    p->now_ms += 1 + roll(&p->dice, most_ms);
    act_on(p, CHANGE_CLOSED, "%s", path);
}

static void move_to(struct program *p, const char *from, const char *to, bool is_directory)
{
    struct act *a = add(p, CHANGE_MOVED);
    set_path(a->path, "%s", from);
    set_path(a->to, "%s", to);
    a->is_directory = is_directory;
}

static void write_members(struct program *p, const struct style *s, const char *directory, int gap_ms)
{
    for (int i = 0; i < s->members; i++) {
        char path[PATH_SIZE];
        set_path(path, "%s/f%d", directory, i);
        write_file(p, path, s->work_ms);
        p->now_ms += gap_ms;
    }
}

static void delete_members(struct program *p, const char *directory, int most_ms)
{
    for (int i = 0; i < MEMBERS; i++) {
        act_on(p, CHANGE_DELETED, "%s/f%d", directory, i);
        p->now_ms += roll(&p->dice, most_ms);
    }
}

/* ---- ways to save ---- */
static void save_file_by_rename(struct program *p, const struct style *s)
{
    char temporary[PATH_SIZE], final[PATH_SIZE];
    set_path(temporary, "step-%d.tmp", s->step);
    set_path(final, "step-%d.pt", s->step);
    write_file(p, temporary, s->work_ms);
    move_to(p, temporary, final, false);
    if (s->is_rotating && s->step > 2)
        act_on(p, CHANGE_DELETED, "step-%d.pt", s->step - 2);
}

static void save_directory_in_place(struct program *p, const struct style *s)
{
    char directory[PATH_SIZE];
    set_path(directory, "run/ckpt-%d", s->step);
    write_members(p, s, directory, s->gap_ms);
    set_path(directory, "run/ckpt-%d", s->step - 2);
    if (s->is_rotating && s->step > 2)
        delete_members(p, directory, 20);
}

static void save_over_the_last(struct program *p, const struct style *s)
{
    write_file(p, "last.pt", s->work_ms);
    p->now_ms += s->gap_ms;
    write_file(p, "config.json", 50);
}

static void save_with_marker(struct program *p, const struct style *s)
{
    write_members(p, s, "dcp", s->gap_ms);
    write_file(p, "dcp/.metadata.tmp", 5);
    if (s->step > 1)
        act_on(p, CHANGE_DELETED, "dcp/.metadata");
    move_to(p, "dcp/.metadata.tmp", "dcp/.metadata", false);
}

static void save_directory_by_rename(struct program *p, const struct style *s)
{
    char temporary[PATH_SIZE], final[PATH_SIZE];
    set_path(temporary, "tmp-%d", s->step);
    set_path(final, "ckpt-%d", s->step);
    write_members(p, s, temporary, s->gap_ms / 10);
    move_to(p, temporary, final, true);
    if (!s->is_rotating || s->step <= 2)
        return;
    set_path(final, "ckpt-%d", s->step - 2);
    delete_members(p, final, 1);
    act_on(p, CHANGE_DELETED, "%s", final);
    p->acts[p->count - 1].is_directory = true;
}

static void save_directory_and_name_it(struct program *p, const struct style *s)
{
    char directory[PATH_SIZE];
    set_path(directory, "run/ckpt-%d", s->step);
    write_members(p, s, directory, s->gap_ms);
    act_on(p, CHANGE_NAMED, "%s", directory);
}

static void save_by_rename_over_the_last(struct program *p, const struct style *s)
{
    write_file(p, "a.part", s->work_ms);
    move_to(p, "a.part", "last.pt", false);
    p->now_ms += s->gap_ms;
    write_file(p, "state.json", 50);
}

static void save_for_as_long(struct program *p, int64_t until_ms)
{
    static void (*const WAYS[])(struct program *, const struct style *) = {
        save_file_by_rename,      save_directory_in_place,    save_over_the_last,           save_with_marker,
        save_directory_by_rename, save_directory_and_name_it, save_by_rename_over_the_last,
    };
    static const int PAUSES[] = {300, 3000, 12000, 25000};
    struct dice *d = &p->dice;
    int way = roll(d, (int)(sizeof(WAYS) / sizeof(WAYS[0])));
    struct style s = {.gap_ms = roll(d, 3) == 0 ? roll(d, 9000) : roll(d, 1500),
                      .pause_ms = PAUSES[roll(d, 4)],
                      .is_rotating = roll(d, 2) != 0};
    p->now_ms = 1000;
    while (p->now_ms < until_ms && p->count < ACTS_MAX / 2) {
        s.step = ++p->set;
        s.work_ms = roll(d, 3) == 0 ? 4000 : 500;
        s.members = 1 + roll(d, MEMBERS);
        WAYS[way](p, &s);
        p->now_ms += s.pause_ms / 2 + roll(d, s.pause_ms);
    }
}

/* ---- a log beside it ---- */
static void log_for_as_long(struct program *p, int64_t until_ms)
{
    static const int PERIODS[] = {200, 1000, 5000, 12000};
    int kind = roll(&p->dice, 4), period = PERIODS[roll(&p->dice, 4)];
    p->set = 0;
    p->now_ms = 500;
    if (kind == 1) { /* it stays open */
        p->now_ms += roll(&p->dice, 20000);
        act_on(p, CHANGE_WRITTEN, "log.txt");
    }
    while (kind > 1 && p->now_ms < until_ms && p->count < ACTS_MAX - MARGIN) {
        write_file(p, "log.txt", 20);
        p->now_ms += period / 2 + roll(&p->dice, period);
    }
}

/* Two sequences become one, by time. */
static void merge(struct program *p, size_t second)
{
    static struct act merged[ACTS_MAX];
    size_t i = 0, j = second, count = 0;
    while (i < second || j < p->count) {
        bool is_first = j == p->count || (i < second && p->acts[i].at_ms <= p->acts[j].at_ms);
        merged[count++] = is_first ? p->acts[i++] : p->acts[j++];
    }
    memcpy(p->acts, merged, count * sizeof(merged[0]));
}

void program_make(struct program *p, struct dice dice, int64_t until_ms)
{
    p->count = 0;
    p->set = 0;
    p->dice = dice;
    save_for_as_long(p, until_ms);
    size_t saves = p->count;
    log_for_as_long(p, until_ms);
    merge(p, saves);
    while (p->count > 0 && p->acts[p->count - 1].at_ms > until_ms)
        p->count--;
}
