/*
 * Cloud Storage, in memory: objects with generations, and what an attacker does to them. Implements lib/gcp's
 * gcs_* functions for the agents.
 */
#ifndef TESTS_SIM_CHECKPOINT_STORE_H
#define TESTS_SIM_CHECKPOINT_STORE_H

#include "base/view.h"
#include "gcp/gcs.h"
#include "world.h"

enum { CONTENT_NONE = -1, CONTENT_UNKNOWN = -2 };

/* One generation of one object; size 0 and is_removed: it was removed. */
struct blob {
    char *name;
    uint8_t *bytes;
    size_t size;
    uint64_t generation;
    uint32_t key_id;
    char *sealed_name; /* NULL: no hint */
    uint64_t sealed_size;
    int content; /* that it holds, for the laws */
    bool is_removed;
};

void store_begin(void); /* empty */
void store_end(void);
/* The newest generation; NULL: there is none. */
struct blob *store_find(const char *name);
/* The attacker writes, without condition. */
void store_put(const char *name, struct view bytes);
void store_remove(const char *name);
/* The generation of HEAD that was moved to that commit; NULL: none. */
const struct blob *store_head_of(const char *manifest_name);
/* Changes the object's newest generation in place. */
void store_alter(const char *name);
void store_truncate(const char *name);
/* Gives it the bytes of another object of its kind. False: there is none. */
bool store_swap(const char *name);
/* How many objects there are, and generations. */
int store_count(void);

#endif
