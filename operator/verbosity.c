#include "verbosity.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

/* The kubelet takes longer than this to update a changed ConfigMap. */
enum { RELOAD_MS = 5000, FILE_MAX = 64 };

struct verbosity {
    const char *path;
    struct loop_source *timer;
    char *seen; /* the last content, or the last error */
};

static void apply(const char *path, const char *word)
{
    enum log_level level;
    if (log_level_from_name(word, &level) < 0) {
        log_warning("log level unchanged: the file must contain debug, info, warning or error", "path", path,
                    "found", word, NULL);
        return;
    }
    if (level == log_get_level())
        return;
    log_set_level(LOG_LEVEL_INFO); /* so that the change is logged, whatever the level is and will be */
    log_info("changing the log level", "level", word, NULL);
    log_set_level(level);
}

static void reload(void *context)
{
    struct verbosity *v = context;
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) = file_read(v->path, FILE_MAX, NULL, &e);
    char *now CLEANUP(cleanup_free) = text == NULL ? err_text(&e) : view_dup(view_trim(view_from(text)));
    loop_timer_set(v->timer, RELOAD_MS);
    if (strcmp(now, v->seen) == 0)
        return;
    if (text == NULL)
        log_failure(LOG_LEVEL_WARNING, &e, "log level unchanged: cannot read the file", NULL);
    else
        apply(v->path, now);
    free(v->seen);
    v->seen = TAKE_PTR(now);
}

struct verbosity *verbosity_new(struct loop *loop, const char *path)
{
    struct verbosity *v = xcalloc(1, sizeof(*v));
    v->path = path;
    v->seen = xstrdup("");
    v->timer = loop_add_timer(loop, reload, v);
    reload(v);
    return v;
}

void verbosity_free(struct verbosity *v)
{
    if (v == NULL)
        return;
    loop_source_free(v->timer);
    free(v->seen);
    free(v);
}
