/*
 * Sets of sealed objects to read: listed from a URI, or from a manifest
 * (seal/manifest.h), which must outlive it. A set owns its items.
 */
#ifndef SEAL_SET_H
#define SEAL_SET_H

#include "seal/context.h"
#include "seal/footprint.h"
#include "seal/object.h"

#define SEAL_FIXED "Fixed:"

struct seal_set {
    struct seal_item *items;
    size_t count;
    struct footprint footprint;        /* of all objects, including those that are not kept */
    const struct footprint_room *room; /* no items are kept when it is too small; NULL: there is enough */
    char *largest;                     /* URI of the largest object; NULL: there is none */
    uint64_t largest_bytes;            /* its content */
};

void seal_set_fini(struct seal_set *set);
/* Takes ownership of the item's content and leaves it empty. Paths come in the order of their bytes. */
void seal_set_add(const struct seal_context *c, struct seal_set *set, struct seal_item *item);

/*
 * What the context's URI names: with a slash at its end every object below it (path: the rest of the name),
 * otherwise one object (path: the last part of its name). mode: "Object" (associated data gs://bucket/name),
 * "Relative" (the path), or "Fixed:" and the text. DATA_NOT_FOUND when there is nothing, DATA_ACCESS_DENIED,
 * ERR_INVALID for a name that cannot be a path.
 * room: where the files are to go; NULL: anywhere. When it is too small, the objects are counted to the last
 * one, and ret has their footprint but no items.
 */
int seal_set_list(const struct seal_context *c, const char *mode, const struct footprint_room *room,
                  struct seal_set *ret, struct err *e) MUST_CHECK;

#endif
