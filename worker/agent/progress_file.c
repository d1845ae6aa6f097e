#include "agent/progress_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { LOOK_MS = 1000, TAIL_BYTES = 64 * 1024, PAGE_BYTES = 4096, BEFORE_BYTES = 64 };

struct progress_file {
    const char *path;
    struct progress *progress;
    struct progress_listener listener;
    struct loop_source *timer;
    struct stat seen;
    uint64_t given_back_bytes; /* from the start of the file */
    bool is_unfinished;        /* its last line had no end when it was seen */
    bool is_error_logged;      /* once per agent */
    uint64_t named_bytes;      /* up to there each line was looked at for a checkpoint */
    char before[BEFORE_BYTES]; /* what stands before that, to notice that the file was written anew */
    size_t before_bytes;
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Returns the last line and cuts it off the text. */
static struct view cut_last_line(struct view *text)
{
    size_t at = text->len;
    while (at > 0 && text->ptr[at - 1] != '\n')
        at--;
    struct view line = view_skip(*text, at);
    text->len = at > 0 ? at - 1 : 0;
    return line;
}

static void complain(struct progress_file *f, const struct err *e)
{
    if (!f->is_error_logged)
        log_failure(LOG_LEVEL_WARNING, e, "ignoring an invalid line of progress", "file", f->path, NULL);
    f->is_error_logged = true;
}

/* is_whole: the text starts at the beginning of a line. */
static void read_lines(struct progress_file *f, struct view text, bool is_whole)
{
    while (text.len > 0) {
        struct err e CLEANUP(err_fini) = {0};
        struct view path, line = view_trim(cut_last_line(&text));
        if (progress_cut_checkpoint(&line, &path))
            line = view_trim(line);
        if (line.len == 0 || (text.len == 0 && !is_whole))
            continue;
        if (progress_take_line(f->progress, line, &e) == 0) {
            f->listener.on_progress(f->listener.context);
            return;
        }
        complain(f, &e);
    }
}

/* Punches a hole over old lines: the file keeps its length, the volume gets the memory back. */
static void give_back(struct progress_file *f, int fd, uint64_t until)
{
    uint64_t whole = until / PAGE_BYTES * PAGE_BYTES;
    if (whole < f->given_back_bytes)
        f->given_back_bytes = 0; /* another file */
    if (whole - f->given_back_bytes < TAIL_BYTES)
        return;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)whole) == 0)
        f->given_back_bytes = whole;
}

static void read_tail(struct progress_file *f, int fd, const struct stat *now, bool must_end)
{
    struct err e CLEANUP(err_fini) = {0};
    uint64_t size = (uint64_t)now->st_size, from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    char *bytes CLEANUP(cleanup_free) = xmalloc(TAIL_BYTES);
    size_t length = 0;
    if (fd_read_at(fd, bytes, TAIL_BYTES, from, &length, &e) < 0) {
        complain(f, &e);
        return;
    }
    struct view text = view_of(bytes, length);
    f->is_unfinished = length > 0 && bytes[length - 1] != '\n';
    if (f->is_unfinished && !must_end)
        (void)cut_last_line(&text);
    read_lines(f, text, from == 0);
    give_back(f, fd, from);
}

/* ---- checkpoints ---- */
/* Whether only more lines follow those that were looked at. */
static bool is_appended(const struct progress_file *f, int fd, const struct stat *now)
{
    struct err e CLEANUP(err_fini) = {0};
    char bytes[BEFORE_BYTES];
    size_t length = 0;
    return now->st_ino == f->seen.st_ino && (uint64_t)now->st_size > f->named_bytes &&
           fd_read_at(fd, bytes, f->before_bytes, f->named_bytes - f->before_bytes, &length, &e) == 0 &&
           length == f->before_bytes && memcmp(bytes, f->before, length) == 0;
}

static void take_name(const struct progress_file *f, struct view line)
{
    struct view path;
    if (!progress_cut_checkpoint(&line, &path) || path.len == 0)
        return;
    char *text CLEANUP(cleanup_free) = view_dup(path);
    f->listener.on_checkpoint(f->listener.context, text);
}

/* Looks at the lines of one block; returns how many bytes of it they are. */
static size_t read_block_names(const struct progress_file *f, struct view block, bool must_end)
{
    struct view rest = block;
    while (rest.len > 0) {
        struct view after, line = view_cut(rest, '\n', &after);
        if (line.len == rest.len && !must_end)
            break;
        take_name(f, view_trim(line));
        rest = after;
    }
    /* No line is as long as a block. */
    return rest.len == TAIL_BYTES ? block.len : block.len - rest.len;
}

static void read_names(struct progress_file *f, int fd, bool must_end)
{
    struct err e CLEANUP(err_fini) = {0};
    char *bytes CLEANUP(cleanup_free) = xmalloc(TAIL_BYTES);
    size_t length = 0, taken = 0;
    do {
        if (fd_read_at(fd, bytes, TAIL_BYTES, f->named_bytes, &length, &e) < 0)
            return;
        taken = read_block_names(f, view_of(bytes, length), must_end && length < TAIL_BYTES);
        f->named_bytes += taken;
        if (taken > 0) {
            f->before_bytes = taken < BEFORE_BYTES ? taken : BEFORE_BYTES;
            memcpy(f->before, bytes + taken - f->before_bytes, f->before_bytes);
        }
    } while (taken > 0 && length == TAIL_BYTES);
}

/* is_over: the trainer has exited. */
static void look(struct progress_file *f, bool is_over)
{
    struct stat now;
    int fd CLEANUP(cleanup_fd) = open(f->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &now) < 0 || !S_ISREG(now.st_mode))
        return;
    bool is_still = is_same(&now, &f->seen);
    if (is_still && !f->is_unfinished)
        return;
    if (!is_still && !is_appended(f, fd, &now))
        f->named_bytes = f->before_bytes = 0;
    f->seen = now;
    read_names(f, fd, is_still || is_over);
    read_tail(f, fd, &now, is_still || is_over);
    if (is_still)
        f->is_unfinished = false;
    if (fstat(fd, &now) == 0 && now.st_size == f->seen.st_size)
        f->seen = now; /* giving back changes the time */
}

static void on_timer(void *context)
{
    struct progress_file *f = context;
    loop_timer_set(f->timer, LOOK_MS);
    look(f, false);
}

void progress_file_look(struct progress_file *f)
{
    look(f, true);
}

struct progress_file *progress_file_new(struct loop *loop, const char *path, struct progress *progress,
                                        struct progress_listener listener)
{
    struct progress_file *f = xcalloc(1, sizeof(*f));
    *f = (struct progress_file){.path = path, .progress = progress, .listener = listener};
    f->timer = loop_add_timer(loop, on_timer, f);
    loop_timer_set(f->timer, LOOK_MS);
    return f;
}

void progress_file_free(struct progress_file *f)
{
    if (f == NULL)
        return;
    loop_source_free(f->timer);
    free(f);
}
