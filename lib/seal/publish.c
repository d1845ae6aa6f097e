#include "seal/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "os/file.h"
#include "seal/manifest_store.h"
#include "seal/object_write.h"

#include "base/banned.h"

enum { DEPTH_MAX = 32, OBJECT_NAME_MAX = 1024, LINK_MAX = 1024 };

void publication_fini(struct publication *p)
{
    manifest_ref_fini(&p->manifest);
    free(p->uri);
    free(p->skipped_link);
    *p = (struct publication){.uri = NULL};
}

struct publishing {
    const struct seal_context *c;
    char *base; /* object name of <folder><id>/ */
    struct manifest *m;
    char *skipped_link; /* the first one */
    size_t skipped_links;
};

static int unreadable(const char *path, const char *why, struct err *e)
{
    return FAIL_OBJECT(e, ERR_OUTPUT_UNREADABLE, path, "%s %s", path, why);
}

static int publish_file(struct publishing *p, int fd, uint64_t size, const char *path, struct err *e)
{
    char *associated_data CLEANUP(cleanup_free) = manifest_associated_data(p->m->id, path);
    char *name CLEANUP(cleanup_free) = xasprintf("%sdata/%s", p->base, path);
    struct sealed sealed;
    if (strlen(name) > OBJECT_NAME_MAX)
        return FAIL_OBJECT(e, ERR_OUTPUT_UNREADABLE, path,
                           "a path of %zu bytes is too long for an object name: %.80s...", strlen(path),
                           path);
    struct seal_target target = {.name = name, .associated_data = associated_data};
    if (seal_write_file(p->c, &target, fd, size, &sealed, e) < 0)
        return err_wrap(e, "publishing %s", path);
    manifest_add(p->m, xstrdup(path), &sealed);
    return 0;
}

static int publish_directory(struct publishing *p, int fd, const char *path, int depth, struct err *e);

/* A link that leads out of the directory would lead to nothing, or to something else, where it is fetched. */
static void publish_link(struct publishing *p, int parent_fd, const char *entry, const char *path)
{
    char target[LINK_MAX + 1];
    ssize_t n = readlinkat(parent_fd, entry, target, sizeof(target));
    if (n >= 0 && (size_t)n < sizeof(target)) {
        target[n] = '\0';
        if (utf8_is_valid(target) && seal_path_is_safe(path) && manifest_link_is_inside(path, target)) {
            struct manifest_entry link = {.path = xstrdup(path), .link = xstrdup(target)};
            manifest_add_entry(p->m, &link);
            return;
        }
    }
    if (p->skipped_links++ == 0)
        p->skipped_link = xstrdup(path);
}

/* Opens one name beneath the directory, without following a link, and publishes what it is. */
static int publish_entry(struct publishing *p, int parent_fd, const char *entry, const char *path, int depth,
                         struct err *e)
{
    struct stat st;
    /* Such a name can be neither an object name nor a path in the manifest. */
    if (!utf8_is_valid(entry) || strpbrk(entry, "\r\n") != NULL)
        return unreadable(path, "has a name that is not UTF-8 or contains a line break", e);
    int fd = openat(parent_fd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return FAIL_OBJECT(e, ERR_OUTPUT_CHANGED, path, "%s was removed before it could be read", path);
    if (fd < 0 && errno == ELOOP) {
        publish_link(p, parent_fd, entry, path);
        return 0;
    }
    if (fd < 0)
        return FAIL_OBJECT(e, ERR_OUTPUT_UNREADABLE, path, "%s cannot be read: %s", path, strerror(errno));
    int result;
    if (fstat(fd, &st) < 0)
        result = FAIL_ERRNO(e, "looking at %s", path);
    else if (S_ISDIR(st.st_mode))
        return publish_directory(p, fd, path, depth + 1, e); /* takes fd */
    else if (S_ISREG(st.st_mode))
        result = publish_file(p, fd, (uint64_t)st.st_size, path, e);
    else
        result = unreadable(path, "is neither a regular file nor a directory", e);
    close(fd);
    return result;
}

static int publish_directory(struct publishing *p, int fd, const char *path, int depth, struct err *e)
{
    DIR *directory = fdopendir(fd);
    const struct dirent *entry;
    int result = 0;
    if (directory == NULL) {
        close(fd);
        return FAIL_ERRNO(e, "reading directory %s", path);
    }
    if (depth > DEPTH_MAX)
        result = unreadable(path, "is nested too deeply", e);
    while (result == 0 && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *child CLEANUP(cleanup_free) =
            *path == '\0' ? xstrdup(entry->d_name) : xasprintf("%s/%s", path, entry->d_name);
        result = publish_entry(p, dirfd(directory), entry->d_name, child, depth, e);
    }
    closedir(directory);
    return result;
}

static int publish_tree(struct publishing *p, const struct publish_source *source, struct err *e)
{
    int fd = open(source->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unreadable(source->directory, strerror(errno), e);
    return publish_directory(p, fd, "", 0, e); /* takes fd */
}

int seal_publish(const struct seal_context *c, const struct publish_source *source, struct manifest *m,
                 struct publication *ret, struct err *e)
{
    struct publishing p = {.c = c, .m = m};
    manifest_make_id(m->id);
    p.base = xasprintf("%s%s%s/", c->prefix, source->folder, m->id);
    int result = publish_tree(&p, source, e);
    char *folder CLEANUP(cleanup_free) = xasprintf("%s%s", source->folder, m->id);
    struct manifest_ref at;
    if (result == 0)
        result = manifest_write(c, m, folder, &at, e);
    if (result == 0)
        *ret = (struct publication){.manifest = at,
                                    .uri = gcs_uri(c->bucket.name, p.base),
                                    .skipped_link = TAKE_PTR(p.skipped_link),
                                    .skipped_links = p.skipped_links};
    free(p.skipped_link);
    free(p.base);
    return result;
}
