/*
 * Publishing what lies in a directory: every regular file sealed and stored under
 * <prefix><id>/data/<path>, then the manifest as <prefix><id>/manifest. Nothing
 * refers to what was stored until the caller commits the manifest (HEAD, or the
 * job's status), so a publisher that dies half-way leaves only unreachable
 * objects.
 */
#ifndef SEAL_PUBLISH_H
#define SEAL_PUBLISH_H

#include "seal/manifest.h"

struct publication {
    char *manifest_name; /* object name of the manifest */
    char *uri;           /* gs://bucket/<prefix><id>/ */
    char sha256[SHA256_HEX_SIZE];
    uint64_t plain_bytes; /* of all files */
};

void publication_fini(struct publication *p);

/*
 * m: its texts are set by the caller; id and entries are filled in. entry: the one file or directory of
 * `directory` to publish (its name begins every path), or NULL for all of them. Everything is opened beneath
 * the directory without following links. ERR_OUTPUT_UNREADABLE for what is neither file nor directory, is not
 * readable; ERR_OUTPUT_CHANGED for what somebody writes to or removes while it is read; ERR_OUTPUT_DENIED
 * when the bucket refuses.
 */
int seal_publish(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                 const char *directory, const char *entry, const char *bucket, const char *prefix,
                 struct manifest *m, struct publication *ret, struct err *e) MUST_CHECK;

#endif
