#include "agent/checkpoints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/named_path.h"
#include "agent/remembered.h"
#include "agent/restore_room.h"
#include "agent/room.h"
#include "agent/unseen.h"
#include "agent/watcher.h"
#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "checkpoint/committer.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"
#include "volume/commits.h"

#include "base/banned.h"

enum { COMMIT_MS = 10 * 1000, FIND_MS = 1000, LINK_MAX = 1024, NAMES_MAX = 5 };

struct checkpoints {
    struct report_writer *report;
    struct watcher *watcher;
    struct volume *volume;
    struct committer *committer;
    int directory_fd; /* the watcher's */
    int64_t next_commit_ms, next_find_ms;
    struct room room;
    struct restore_room restore_room;
    bool has_said_overtaken, has_said_unwatched, has_said_unknown, has_said_skipped;
};

/* In the status; the log has them all. */
static void warn_once(struct checkpoints *c, bool *has_said, const char *format, ...) PRINTF_LIKE(3, 4);
static void warn_once(struct checkpoints *c, bool *has_said, const char *format, ...)
{
    if (*has_said)
        return;
    *has_said = true;
    va_list args;
    va_start(args, format);
    char *sentence CLEANUP(cleanup_free) = xvasprintf(format, args);
    va_end(args);
    utf8_sanitize(sentence);
    report_writer_warning(c->report, sentence);
}

/* ---- what has changed ---- */
static void on_change(void *context, const struct change *change)
{
    struct checkpoints *c = context;
    if (change->kind == CHANGE_CLOSED && unseen_is_written(c->volume, c->directory_fd, change->path))
        (void)volume_apply(
            c->volume,
            &(struct change){.kind = CHANGE_WRITTEN, .path = change->path, .at_ms = change->at_ms});
    if (volume_apply(c->volume, change))
        return;
    log_warning("the program names a checkpoint, but there is no complete file or directory of that name "
                "in " TRAINER_CHECKPOINTS,
                "path", change->path, NULL);
    warn_once(c, &c->has_said_unknown,
              "The program names checkpoint %.100s, but there is no complete file or directory of that name "
              "in " TRAINER_CHECKPOINTS ".",
              change->path);
}

void checkpoints_name(struct checkpoints *c, const char *path)
{
    char *clean CLEANUP(cleanup_free) = NULL;
    if (named_path_clean(path, &clean))
        watcher_name(c->watcher, clean);
    else
        log_warning("the program names a checkpoint outside of " TRAINER_CHECKPOINTS, "path", path, NULL);
}

static void take_changes(struct checkpoints *c)
{
    struct err e CLEANUP(err_fini) = {0};
    if (watcher_drain(c->watcher, on_change, c, &e) == 0)
        return;
    log_failure(LOG_LEVEL_WARNING, &e, "a directory of checkpoints cannot be watched", NULL);
    char *sentence CLEANUP(cleanup_free) = failure_sentence(&e);
    warn_once(c, &c->has_said_unwatched, "%s", sentence);
}

static void find_closed(struct checkpoints *c)
{
    int64_t now_ms = clock_boot_ms();
    if (now_ms < c->next_find_ms)
        return;
    c->next_find_ms = now_ms + FIND_MS;
    unseen_find_closed(c->volume, c->directory_fd, now_ms);
}

/* ---- life ---- */
struct checkpoints *checkpoints_new(const struct assignment *assignment, const struct keyring *keys,
                                    struct report_writer *report, struct head *head, struct manifest *base,
                                    struct err *e)
{
    const struct committer_id id = {.job_namespace = assignment->job_namespace,
                                    .job = assignment->job,
                                    .job_uid = assignment->job_uid,
                                    .pod_uid = assignment->pod_uid,
                                    .attempt = assignment->attempt,
                                    .index = assignment->index};
    struct seal_context seal;
    if (keyring_seal(keys, assignment->checkpoints_uri, assignment->checkpoints_key, &seal, e) < 0)
        return NULL;
    struct checkpoints *c = xcalloc(1, sizeof(*c));
    version_on_free = stored_free;
    c->report = report;
    c->volume = volume_new();
    c->watcher = watcher_new(POD_OUT_CHECKPOINTS, e);
    if (c->watcher == NULL) {
        seal_close(&seal);
        checkpoints_free(c);
        return NULL;
    }
    c->directory_fd = c->room.directory_fd = watcher_directory(c->watcher);
    take_changes(c);
    remember_committed(c->volume, c->directory_fd, base, assignment->attempt);
    c->committer = committer_new(&id, &seal, head, base);
    return c;
}

void checkpoints_free(struct checkpoints *c)
{
    if (c == NULL)
        return;
    watcher_free(c->watcher);
    volume_free(c->volume);
    committer_free(c->committer);
    free(c);
}

void checkpoints_watch_room(struct checkpoints *c, const struct assignment *assignment,
                            const struct footprint *inputs)
{
    c->restore_room = restore_room_of(assignment, inputs, c->report);
}

int checkpoints_fd(const struct checkpoints *c)
{
    return watcher_fd(c->watcher);
}

/* ---- reading versions ---- */
static void skip(struct checkpoints *c, struct version *v, const char *why)
{
    log_warning("left out of the checkpoint", "path", v->path, "why", why, NULL);
    warn_once(c, &c->has_said_skipped, "Left out of the checkpoint: %.100s (%s).", v->path, why);
    v->state = VERSION_SKIPPED;
}

static void read_link(struct checkpoints *c, struct version *v)
{
    char target[LINK_MAX + 1];
    ssize_t n = readlinkat(c->directory_fd, v->path, target, sizeof(target));
    if (n < 0)
        return; /* it is no link any more: a change is on its way */
    if ((size_t)n == sizeof(target)) {
        skip(c, v, "the link's target is too long");
        return;
    }
    target[n] = '\0';
    if (!utf8_is_valid(target) || !manifest_link_is_inside(v->path, target)) {
        skip(c, v, "the link leads out of the directory, or has .. after a name");
        return;
    }
    v->object = committer_store_link(v->path, target);
    v->state = VERSION_READ;
}

static int read_file(struct checkpoints *c, struct version *v, int fd, uint64_t bytes, struct err *e)
{
    if (fd_is_held(fd)) {
        v->state = VERSION_HELD;
        return 0;
    }
    v->is_open = true;
    struct stored *stored = committer_store(c->committer, v->path, fd, bytes, e);
    if (stored == NULL && e->code == ERR_OUTPUT_CHANGED) {
        err_fini(e); /* a change is on its way */
        return 0;
    }
    if (stored == NULL)
        return -1;
    take_changes(c);
    if (v->state == VERSION_UNREAD) {
        v->object = stored;
        v->state = VERSION_READ;
    } else {
        stored_free(stored);
    }
    return 0;
}

/* Without moving the time of the last access, which tells whether the program has read the file
 * (agent/room.h). */
static int open_unnoticed(int directory_fd, const char *path)
{
    enum { FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
    int fd = openat(directory_fd, path, FLAGS | O_NOATIME);
    return fd < 0 && errno == EPERM ? openat(directory_fd, path, FLAGS) : fd;
}

static int read_version(struct checkpoints *c, struct version *v, struct err *e)
{
    struct stat st;
    if (!utf8_is_valid(v->path) || strpbrk(v->path, "\r\n") != NULL) {
        skip(c, v, "the name is not UTF-8 or contains a line break");
        return 0;
    }
    if (!committer_may_store(c->committer, v->path)) {
        skip(c, v, "the path is too long for an object name");
        return 0;
    }
    int fd CLEANUP(cleanup_fd) = open_unnoticed(c->directory_fd, v->path);
    if (fd < 0 && errno == ELOOP)
        read_link(c, v);
    else if (fd < 0 && errno != ENOENT)
        skip(c, v, strerror(errno));
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) < 0)
        return FAIL_ERRNO(e, "looking at %s", v->path);
    if (S_ISREG(st.st_mode))
        return read_file(c, v, fd, (uint64_t)st.st_size, e);
    skip(c, v, "neither a regular file nor a link");
    return 0;
}

/* Where it could not be read, a change was on its way. */
static void decide(struct checkpoints *c, struct version *v)
{
    if (v->state == VERSION_UNREAD)
        take_changes(c);
    if (v->state == VERSION_UNREAD)
        version_leaves(v);
}

static int read_next(struct checkpoints *c, struct version *v, struct err *e)
{
    char *path CLEANUP(cleanup_free) = xstrdup(v->path);
    int result = read_version(c, v, e);
    v->is_open = false;
    if (result < 0)
        (void)err_wrap(e, "storing %s", path);
    else
        decide(c, v);
    if (v->path == NULL)
        version_leaves(v); /* there is nothing left to read */
    volume_were_read(c->volume, clock_boot_ms());
    return result;
}

/* ---- committing ---- */
static void report_head(struct checkpoints *c)
{
    const struct head *head = committer_head(c->committer);
    char *uri CLEANUP(cleanup_free) = committer_uri(c->committer);
    report_writer_checkpoint(c->report, &(struct checkpoint_ref){.uri = uri,
                                                                 .name = head->name,
                                                                 .step = head->step,
                                                                 .time = head->time,
                                                                 .at = committer_newest(c->committer),
                                                                 .manifest_sha256 = head->manifest.sha256});
    log_info("checkpoint committed", "name", head->name, "manifest", uri, NULL);
}

static int commit_due(struct checkpoints *c, bool is_final, struct err *e)
{
    const struct listing *due;
    struct manifest snapshot;
    while ((is_final || clock_boot_ms() >= c->next_commit_ms) &&
           (due = volume_due(c->volume, clock_boot_ms())) != NULL) {
        if (committer_commit(c->committer, due, &snapshot, e) < 0)
            return err_wrap(e, "checkpoint %s", due->name);
        restore_room_check(&c->restore_room, &snapshot);
        manifest_fini(&snapshot);
        volume_committed(c->volume);
        c->next_commit_ms = clock_boot_ms() + COMMIT_MS;
        report_head(c);
    }
    return 0;
}

/* What is due is not held up by what is read for a later commit. */
static int read_and_commit(struct checkpoints *c, bool is_final, struct err *e)
{
    struct version *v;
    while (commit_due(c, is_final, e) == 0) {
        if ((v = version_share(volume_unread(c->volume))) == NULL)
            return 0;
        int result = read_next(c, v, e);
        version_release(v);
        if (result < 0)
            return -1;
    }
    return -1;
}

static void say_overtaken(struct checkpoints *c)
{
    if (volume_count_overtaken(c->volume) == 0 || c->has_said_overtaken)
        return;
    c->has_said_overtaken = true;
    log_warning("a checkpoint was overwritten before it could be stored; the next one is taken", NULL);
}

int checkpoints_look(struct checkpoints *c, struct err *e)
{
    take_changes(c);
    find_closed(c);
    volume_tick(c->volume, clock_boot_ms());
    int result = read_and_commit(c, false, e);
    room_make(&c->room, c->volume);
    say_overtaken(c);
    return result;
}

/* What was not complete at the end. */
struct incomplete {
    struct strbuf names; /* the first ones, for the report */
    size_t count;
};

static void add_incomplete(void *context, const char *path)
{
    struct incomplete *i = context;
    char *name CLEANUP(cleanup_free) = xstrdup(path);
    utf8_sanitize(name);
    if (i->count++ >= NAMES_MAX)
        return;
    strbuf_addf(&i->names, "%s%.100s", i->count > 1 ? ", " : "", name);
    log_warning("not in any checkpoint: it was not complete when the program ended", "path", name, NULL);
}

static void say_incomplete(struct checkpoints *c)
{
    struct incomplete i = {.names = STRBUF(NAMES_MAX * 128)};
    volume_each_incomplete(c->volume, add_incomplete, &i);
    if (i.count > NAMES_MAX)
        strbuf_addf(&i.names, " and %zu more", i.count - NAMES_MAX);
    if (i.count > 0) {
        char *sentence CLEANUP(cleanup_free) =
            xasprintf("Not in any checkpoint, because the program had not completed it when it ended: %s.",
                      strbuf_text(&i.names));
        report_writer_warning(c->report, sentence);
    }
    strbuf_fini(&i.names);
}

int checkpoints_end(struct checkpoints *c, bool is_success, struct err *e)
{
    take_changes(c);
    volume_end(c->volume, is_success, clock_boot_ms());
    int result = read_and_commit(c, true, e);
    say_overtaken(c);
    say_incomplete(c);
    return result;
}

bool checkpoints_lack_room(const struct checkpoints *c)
{
    return room_is_out(&c->room);
}
