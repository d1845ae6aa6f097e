/*
 * The memory that files take once they are in a memory volume (tmpfs), counted before any of them is written.
 * Two limits apply. The size of the volume limits their content in whole pages. The memory limit of the
 * container that writes them also has to cover what the kernel keeps of each file and directory (inode, name,
 * index of pages) and what the agent keeps of it. Many small files need more than their content by far.
 *
 * Numbers that are too large for 64 bits stay at the largest. Pure; nothing fails.
 */
#ifndef SEAL_FOOTPRINT_H
#define SEAL_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct footprint {
    uint64_t files;
    uint64_t content_bytes;
    uint64_t page_bytes;   /* the content in whole pages */
    uint64_t record_bytes; /* what kernel and agent keep of the files and their directories */
};

/* Content in whole pages, in bytes. */
uint64_t footprint_page_bytes(uint64_t content_bytes);
/* Adds a file. previous: the path that was added before this one to the same directory, NULL: none; the paths
 * come in the order of their bytes, so that each directory is counted once. agent_bytes: what the agent keeps
 * of the file. */
void footprint_add_file(struct footprint *f, const char *path, const char *previous, uint64_t content_bytes,
                        uint64_t agent_bytes);
void footprint_add(struct footprint *f, const struct footprint *other);

/* A volume, and what is in it already. */
struct footprint_room {
    uint64_t volume_bytes; /* its size; the memory limit has as much for it */
    uint64_t record_bytes; /* what the memory limit has for records beyond that */
    struct footprint used;
};

/* The size of the volume that is needed for what is in it and those files: their pages, and the records for
 * which there is no other memory. */
uint64_t footprint_needs(const struct footprint_room *room, const struct footprint *f);
bool footprint_fits(const struct footprint_room *room, const struct footprint *f);

#endif
