#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum { SLOW_MS = 16000 };

/* The clock while the acts are made up. */
struct script {
    struct program *p;
    int64_t now_ms;
    int step;
};

/* ---- acts ---- */
static struct act *add(struct script *s, enum change_kind kind, const char *path)
{
    struct act *a = &s->p->acts[s->p->count++];
    *a = (struct act){.kind = kind, .at_ms = s->now_ms, .step = s->step};
    (void)snprintf(a->path, sizeof(a->path), "%s", path);
    return a;
}

__attribute__((format(printf, 2, 3))) static const char *path_of(char buffer[PATH_SIZE], const char *format,
                                                                 ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(buffer, PATH_SIZE, format, args);
    va_end(args);
    return buffer;
}

static void write_file(struct script *s, const char *path)
{
    (void)add(s, CHANGE_WRITTEN, path);
    s->now_ms += 40 + roll(&s->p->dice, 400);
    (void)add(s, CHANGE_CLOSED, path);
    s->now_ms += roll(&s->p->dice, 300);
}

static struct act *move_to(struct script *s, const char *from, const char *to)
{
    struct act *a = add(s, CHANGE_MOVED, from);
    (void)snprintf(a->to, sizeof(a->to), "%s", to);
    return a;
}

static void replace_file(struct script *s, const char *path)
{
    char temporary[PATH_SIZE];
    (void)snprintf(temporary, sizeof(temporary), "%.40s.tmp", path);
    write_file(s, temporary);
    move_to(s, temporary, path)->declares = true;
}

static void delete_file(struct script *s, const char *path)
{
    (void)add(s, CHANGE_DELETED, path);
    s->now_ms += roll(&s->p->dice, 20);
}

/* ---- ways to save ---- */
static void save_file_by_rename(struct script *s, int count)
{
    char path[PATH_SIZE];
    replace_file(s, path_of(path, "step-%d.pt", s->step));
    if (s->p->is_rotating && count >= 2)
        delete_file(s, path_of(path, "step-%d.pt", s->step - 2));
}

static void save_directory_by_rename(struct script *s, int count)
{
    char path[PATH_SIZE], from[PATH_SIZE], to[PATH_SIZE];
    write_file(s, path_of(path, "tmp-%d/model", s->step));
    write_file(s, path_of(path, "tmp-%d/state", s->step));
    struct act *a = move_to(s, path_of(from, "tmp-%d", s->step), path_of(to, "ckpt-%d", s->step));
    a->is_directory = a->declares = true;
    if (!s->p->is_rotating || count < 2)
        return;
    delete_file(s, path_of(path, "ckpt-%d/model", s->step - 2));
    delete_file(s, path_of(path, "ckpt-%d/state", s->step - 2));
    add(s, CHANGE_DELETED, path_of(path, "ckpt-%d", s->step - 2))->is_directory = true;
}

static void save_with_marker(struct script *s, int count)
{
    write_file(s, "dcp/f0");
    s->now_ms += roll(&s->p->dice, 4) == 0 ? SLOW_MS : 0;
    write_file(s, "dcp/f1");
    write_file(s, "dcp/.metadata.tmp");
    if (count > 0)
        delete_file(s, "dcp/.metadata");
    move_to(s, "dcp/.metadata.tmp", "dcp/.metadata")->declares = true;
}

/* Nobody declares it: it settles in a pause. */
static void save_in_place(struct script *s, int count)
{
    char path[PATH_SIZE];
    write_file(s, path_of(path, "run/model-%d", s->step));
    write_file(s, path_of(path, "run/state-%d", s->step));
    if (!s->p->is_rotating || count < 1)
        return;
    delete_file(s, path_of(path, "run/model-%d", s->step - 1));
    delete_file(s, path_of(path, "run/state-%d", s->step - 1));
}

static void save_and_name_it(struct script *s, int count)
{
    (void)count;
    write_file(s, "last.pt");
    write_file(s, "config.json");
    add(s, CHANGE_NAMED, "last.pt")->declares = true;
}

/* The best one once, at the start; a log beside the steps. */
static void save_beside_a_log(struct script *s, int count)
{
    char path[PATH_SIZE];
    if (count == 0 && s->step == 1)
        replace_file(s, "best.pt");
    replace_file(s, path_of(path, "step-%d.pt", s->step));
    add(s, CHANGE_WRITTEN, "log.txt")->is_append = true;
    s->now_ms += 10;
    (void)add(s, CHANGE_CLOSED, "log.txt");
}

static void save_over_the_last(struct script *s, int count)
{
    if (count > 0)
        (void)move_to(s, "last.pt", "prev.pt");
    replace_file(s, "last.pt");
}

static void save_directory_and_name_it(struct script *s, int count)
{
    char path[PATH_SIZE];
    (void)count;
    write_file(s, path_of(path, "run/ckpt-%d/model", s->step));
    write_file(s, path_of(path, "run/ckpt-%d/state", s->step));
    add(s, CHANGE_NAMED, path_of(path, "run/ckpt-%d", s->step))->declares = true;
}

void program_make(struct program *p, int style, int first_step, int64_t begin_ms)
{
    static void (*const WAYS[STYLES])(struct script *, int) = {
        save_file_by_rename, save_directory_by_rename, save_with_marker,   save_in_place,
        save_and_name_it,    save_beside_a_log,        save_over_the_last, save_directory_and_name_it,
    };
    static const int PAUSES[] = {1500, 6000, 14000, 26000};
    struct script s = {.p = p, .now_ms = begin_ms + 200, .step = first_step};
    int saves = 2 + roll(&p->dice, 3), pause_ms = PAUSES[roll(&p->dice, 4)];
    p->count = 0;
    p->style = style;
    p->is_simple = style == 0 || style == 1;
    for (int i = 0; i < saves; i++, s.step++) {
        WAYS[style](&s, i);
        s.now_ms += pause_ms / 2 + roll(&p->dice, pause_ms);
    }
    p->step = s.step - 1;
    p->end_ms = roll(&p->dice, 2) == 0 ? s.now_ms : p->acts[p->count - 1].at_ms + 1 + roll(&p->dice, 50);
    if (p->exit_code < 0) /* in the middle of something */
        p->end_ms = begin_ms + 200 + roll(&p->dice, (int)(s.now_ms - begin_ms));
}
