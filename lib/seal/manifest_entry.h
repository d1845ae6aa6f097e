/*
 * One line of a manifest: a file, with everything that pins its object, or a link.
 *
 * The object is stored beside the manifest that first needed it, and later
 * manifests refer to it there: what did not change is not stored again. Owns its
 * texts. Pure.
 */
#ifndef SEAL_MANIFEST_ENTRY_H
#define SEAL_MANIFEST_ENTRY_H

#include <jansson.h>

#include "base/attr.h"
#include "seal/object.h"

#define MANIFEST_ID_SIZE 33 /* 128 random bits in hexadecimal, and the terminator */

struct manifest_entry {
    char *path;
    char *link; /* target of a symbolic link, which has no object; NULL: a file */
    struct sealed sealed;
    char *folder; /* "<attempt>/<id>" of the manifest beside which it is stored; NULL: the one it is in */
    char *stored_path; /* the path that it was stored under there; NULL: the same */
    char *group;       /* the directory that is one checkpoint as a whole; NULL: the file is one by itself */
    int64_t modified_ns;       /* when the file was modified last, of its system's clock; 0: not known */
    bool is_declared;          /* the program said that it was complete; else it had settled */
    int64_t attempt, sequence; /* of the first manifest that has it; 0: the one it is in */
};

void manifest_entry_fini(struct manifest_entry *entry);
struct manifest_entry manifest_entry_copy(const struct manifest_entry *entry);
/* A new reference. */
json_t *manifest_entry_encode(const struct manifest_entry *entry) MUST_CHECK;
/* False for anything that is no entry: an unsafe path, a link that leads out, a header of no stream, ... The
 * caller frees *ret. */
bool manifest_entry_decode(const json_t *line, struct manifest_entry *ret) MUST_CHECK;
/* Whether a link at that path with that target stays below the directory that the path is in, also when its
 * target passes other such links: ".." may stand at the beginning of a target only. */
bool manifest_link_is_inside(const char *path, const char *target);

#endif
