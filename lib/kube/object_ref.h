/*
 * The identity and version of an object, read from its JSON text (ObjectReference in the
 * API). Pure; nothing fails: an absent or overlong member is "".
 */
#ifndef KUBE_OBJECT_REF_H
#define KUBE_OBJECT_REF_H

#include "base/view.h"

enum { OBJECT_REF_TEXT_SIZE = 256 }; /* with terminator; the API has no longer names and versions */

struct object_ref {
    char ns[OBJECT_REF_TEXT_SIZE]; /* "" for cluster-scoped kinds */
    char name[OBJECT_REF_TEXT_SIZE];
    char version[OBJECT_REF_TEXT_SIZE]; /* resourceVersion */
};

void object_ref_read(struct view object, struct object_ref *ret);

#endif
