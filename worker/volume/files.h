/*
 * The files in the directory, by path, as far as changes tell of them. Owns paths and references to versions.
 * Pure; nothing fails.
 */
#ifndef VOLUME_FILES_H
#define VOLUME_FILES_H

#include "volume/listing.h"

struct file {
    char *path;
    struct version *version;  /* as its last writer left it; NULL: none has closed it yet */
    struct version *previous; /* the newest one before it that was read; NULL: none */
    bool is_open;             /* for writing */
    bool is_freed;            /* removed by the agent; it stays in listings */
    int64_t opened_ms;
    int64_t first_ms, finished_ms; /* the first and the last end of writing in the burst that is going on */
    unsigned finishes;             /* how many there were */
    uint64_t burst;                /* which burst that is */
};

/* Zeroed: empty. */
struct file_list {
    struct file **list; /* by path */
    size_t count, room;
};

void files_fini(struct file_list *s);
/* The index of the first file whose path is not less than that one. */
size_t files_find(const struct file_list *s, const char *path);
/* NULL when it is not known. */
struct file *files_get(const struct file_list *s, const char *path);
/* The file of that path, a new one where there is none. */
struct file *files_at(struct file_list *s, const char *path) RETURNS_NONNULL;
/* The list owns the file until it is taken out. */
void files_insert(struct file_list *s, struct file *f);
struct file *files_take_out(struct file_list *s, size_t at) MUST_CHECK RETURNS_NONNULL;
void file_free(struct file *f);

/* Whether the file at that index is the path, or below it. *at moves over what only shares its beginning. */
bool files_next_within(const struct file_list *s, const char *path, size_t *at);
bool files_is_open_below(const struct file_list *s, const char *directory);

#endif
