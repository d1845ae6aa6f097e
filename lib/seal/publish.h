/*
 * Publishing a directory: every regular file is sealed and stored as
 * <folder><id>/data/<path>, then the manifest as <folder><id>/manifest.
 *
 * Nothing refers to what was stored until the caller commits the manifest (in
 * HEAD or in the job's status), so a publisher that dies half-way leaves only
 * unreachable objects. A publication owns its texts.
 */
#ifndef SEAL_PUBLISH_H
#define SEAL_PUBLISH_H

#include "seal/context.h"
#include "seal/manifest.h"

/* What is published, and where. Borrowed for the call. */
struct publish_source {
    const char *directory;
    const char *folder; /* below the context's URI: "" or with a slash at its end */
};

struct publication {
    struct manifest_ref manifest;
    char *uri;            /* gs://bucket/...<folder><id>/ */
    char *skipped_link;   /* the first link that leads out of the directory; NULL: none does */
    size_t skipped_links; /* how many do */
};

void publication_fini(struct publication *p);

/*
 * m: the caller has set its texts and numbers; id and entries are filled in. Paths are relative to the
 * directory. Files are opened beneath the directory without
 * following links; links that stay inside the directory are kept as links, others are left out.
 *
 * ERR_OUTPUT_UNREADABLE for anything that is neither file nor directory or cannot be read, ERR_OUTPUT_CHANGED
 * for a file that is changed or removed while it is read, and the errors of seal/object_write.h.
 */
int seal_publish(const struct seal_context *c, const struct publish_source *source, struct manifest *m,
                 struct publication *ret, struct err *e) MUST_CHECK;

#endif
