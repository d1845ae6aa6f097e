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

#include "base/banned.h"

enum { DEPTH_MAX = 32, OBJECT_NAME_MAX = 1024 };

void publication_fini(struct publication *p)
{
    free(p->manifest_name);
    free(p->uri);
    *p = (struct publication){.uri = NULL};
}

struct publishing {
    const struct gcp_site *site;
    struct http_session *s;
    const struct keyset *ks;
    const char *bucket;
    char *base; /* <prefix><id>/ */
    struct manifest *m;
    uint64_t plain_bytes;
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
                           "a path of %zu bytes is too long for an object's name: %.80s...", strlen(path),
                           path);
    if (seal_write_file(p->site, p->s, p->ks, associated_data, fd, size, p->bucket, name, 0, &sealed, e) < 0)
        return err_wrap(e, "publishing %s", path);
    manifest_add(p->m, xstrdup(path), &sealed);
    p->plain_bytes += size;
    return 0;
}

static int publish_directory(struct publishing *p, int fd, const char *path, int depth, struct err *e);

/* Opens one name beneath the directory, without following a link, and publishes what it is. */
static int publish_entry(struct publishing *p, int parent_fd, const char *entry, const char *path, int depth,
                         struct err *e)
{
    struct stat st;
    /* Otherwise it could never be an object's name, nor stand in the manifest. */
    if (!utf8_is_valid(entry) || strpbrk(entry, "\r\n") != NULL)
        return unreadable(path, "has a name that is not UTF-8 or holds a line end", e);
    int fd = openat(parent_fd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return FAIL_OBJECT(e, ERR_OUTPUT_CHANGED, path, "%s was removed while it was to be read", path);
    if (fd < 0)
        return unreadable(path, errno == ELOOP ? "is a symbolic link" : strerror(errno), e);
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
        result = unreadable(path, "is too deep", e);
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

static int publish_tree(struct publishing *p, const char *directory, const char *entry, struct err *e)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unreadable(directory, strerror(errno), e);
    if (entry == NULL)
        return publish_directory(p, fd, "", 0, e); /* takes fd */
    int result = publish_entry(p, fd, entry, entry, 0, e);
    close(fd);
    return result;
}

static int publish_manifest(struct publishing *p, struct publication *ret, struct err *e)
{
    struct strbuf text;
    struct sealed sealed;
    char *associated_data CLEANUP(cleanup_free) = manifest_associated_data(p->m->id, NULL);
    char *name = xasprintf("%smanifest", p->base);
    struct publication done = {
        .manifest_name = name, .uri = gcs_uri(p->bucket, p->base), .plain_bytes = p->plain_bytes};
    manifest_encode(p->m, &text, done.sha256);
    int result = strbuf_overflowed(&text) ? FAIL(e, ERR_TOO_LARGE, "too many files for one manifest")
                                          : seal_write_bytes(p->site, p->s, p->ks, associated_data,
                                                             strbuf_view(&text), p->bucket, name, &sealed, e);
    strbuf_fini(&text);
    if (result < 0) {
        publication_fini(&done);
        return err_wrap(e, "publishing the manifest");
    }
    *ret = done;
    return 0;
}

int seal_publish(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                 const char *directory, const char *entry, const char *bucket, const char *prefix,
                 struct manifest *m, struct publication *ret, struct err *e)
{
    struct publishing p = {.site = site, .s = s, .ks = ks, .bucket = bucket, .m = m};
    manifest_make_id(m->id);
    p.base = xasprintf("%s%s/", prefix, m->id);
    int result = publish_tree(&p, directory, entry, e);
    if (result == 0)
        result = publish_manifest(&p, ret, e);
    free(p.base);
    return result;
}
