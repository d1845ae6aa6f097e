/* Shared by the files of this folder; nobody else includes it. */
#ifndef VOLUME_VOLUME_INT_H
#define VOLUME_VOLUME_INT_H

#include "volume/files.h"
#include "volume/settle.h"
#include "volume/volume.h"

/* A directory that was declared; or a file that was, in a directory that had been declared before it. */
struct entry {
    char *path;              /* "" = the whole directory */
    struct listing *now;     /* as it was declared last; paths are relative to the entry */
    struct listing *earlier; /* the newest before that one of which all was read; NULL: none */
};

struct volume {
    struct file_list files;
    struct entry *entries;
    size_t entry_count;
    struct settle settle;
    bool must_list;      /* an act has declared the present state, and no listing shows it yet */
    bool is_tidying;     /* since the last act the program has only deleted */
    uint64_t act_serial; /* of the listing that shows that act */
    bool is_unsure;      /* changes since the last act that need a pause to be complete */
    bool has_ended, has_succeeded;
    char *declared_name; /* of the newest declared entry; "" = none */
    char *closed_name;   /* of the file that was closed last */
    uint64_t serial, version_serial;
    struct listing *declared;  /* a declared one, to be read and committed */
    struct listing *next;      /* the newest declared one after that */
    struct listing *here;      /* in the pause that is going on */
    struct listing *longest;   /* in the longest pause of the burst before that one */
    struct listing *settled;   /* of a burst that is over; waits for its ten seconds */
    const struct listing *due; /* declared or settled */
    struct listing *committed; /* the newest */
    unsigned overtaken;
};

/* A file such as a log, which is written anew every few seconds. */
bool volume_is_rewritten(const struct volume *v, const struct file *f);
/* The innermost entry that the path is below; NULL: none. */
struct entry *entry_of(const struct volume *v, const char *path);
/* Declares the directory, or the file in an entry, as it is. False when nothing closed is below it. */
bool entry_declare(struct volume *v, const char *path);
/* Declares all entries as they are. */
void entries_declare_all(struct volume *v);
/* Entries at or below the path are gone, or have another path. */
void entries_remove(struct volume *v, const char *path);
void entries_move(struct volume *v, const char *from, const char *to);
void entries_free(struct volume *v);
/* The present state, without what is open or has a temporary name. */
struct listing *volume_list(struct volume *v, bool is_declared, const char *name) MUST_CHECK;
/* Replaces what was lost or held open by what stood there before. False: it cannot be, and the listing is
 * overtaken. */
bool volume_repair(const struct volume *v, struct listing *l);
/* The pause that has ended was the longest so far. */
void volume_keep_longest(struct volume *v);
/* Nothing is to be waited for any more. */
void volume_stop_settling(struct volume *v);
/* Lists the state that an act has declared, before anything else changes it. */
void volume_list_declared(struct volume *v);

#endif
