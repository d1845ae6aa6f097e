/*
 * Versions of files, and listings of them.
 *
 * A version is what a file held from the moment its last writer closed it until it was written to again. It
 * is shared by whatever refers to it and freed with the last reference; moving a file does not change it. A
 * listing is the state of the directory at one moment: which version stands under which path. Pure; nothing
 * fails. Whoever reads versions keeps what it knows of the stored bytes in `object`, and gets it back through
 * version_on_free.
 */
#ifndef VOLUME_LISTING_H
#define VOLUME_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum version_state {
    VERSION_UNREAD,  /* the file still holds it, nobody has read it */
    VERSION_READ,    /* it is stored */
    VERSION_HELD,    /* another process still had the file open: it is not complete */
    VERSION_SKIPPED, /* it is nothing that can be stored, such as a link that leads out */
    VERSION_LOST,    /* it was overwritten or removed before it was read */
};

struct version {
    unsigned references;
    enum version_state state;
    char *path;        /* of the file that holds it now, relative to the directory; NULL: none does */
    bool is_declared;  /* the program said that it is complete */
    bool is_settled;   /* it was part of what was committed */
    bool is_rewritten; /* of a file that is written again and again, such as a log */
    bool is_renewed;   /* its file held another one before, and soon may again */
    bool is_freed;     /* the agent has removed its file to make room */
    bool is_open;      /* the reader has opened the file, which may be removed now */
    uint64_t serial;   /* later versions have higher ones */
    uint64_t let_go;   /* the listing right after which its file was deleted; 0 = none */
    void *object;      /* the reader's; NULL: not stored yet */
};

/* Frees an object, once its version is forgotten; the same for all versions. NULL: there is nothing to free.
 */
extern void (*version_on_free)(void *object);

/* One reference, unread. */
struct version *version_new(const char *path) MUST_CHECK RETURNS_NONNULL;
struct version *version_share(struct version *v);
void version_release(struct version *v); /* NULL is fine */
/* Its file is being written to. */
void version_is_overwritten(struct version *v);
/* Its file is gone; who has it open can still read it. */
void version_leaves(struct version *v);

struct listed {
    char *path;
    struct version *version;
    struct version *fallback; /* what stands there when the version was lost; NULL: nothing */
    char *entry; /* the directory that is a checkpoint as a whole; NULL: the file is one itself */
};

struct listing {
    struct listed *items; /* by path */
    size_t count, room;
    bool is_declared; /* else settled: it needs its ten seconds */
    char *name;       /* of the newest declared entry; none yet: of the file that was closed last */
    uint64_t serial;  /* later listings have higher ones */
    int64_t read_ms;  /* when the last of its versions had been read; -1: not all are */
};

struct listing *listing_new(bool is_declared, const char *name) MUST_CHECK RETURNS_NONNULL;
void listing_free(struct listing *l); /* NULL is fine */
/* Shares the versions; a fallback may be NULL, and so may the entry. */
void listing_add(struct listing *l, const char *path, struct version *v, struct version *fallback,
                 const char *entry);
void listing_sort(struct listing *l);
void listing_remove(struct listing *l, size_t index);
/* All items of that entry. */
void listing_remove_entry(struct listing *l, const char *entry);
/* The next version to read, or NULL: first what may be overwritten soon, then the oldest, which may be
 * removed first. */
struct version *listing_unread(const struct listing *l);

#endif
