#include "seal/footprint.h"

#include <string.h>

#include "base/banned.h"

/* As measured with Linux 6.18 on x86-64: an inode of tmpfs with its name takes 960 bytes, a name of 40 bytes
 * or more is kept beside it, and each 64 pages of a file of more than one page take 592 bytes of index. */
enum { PAGE = 4096, INODE_BYTES = 1024, SHORT_NAME = 40, INDEX_BYTES = 592, INDEXED_PAGES = 64 };

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t pages_of(uint64_t bytes)
{
    return bytes / PAGE + (bytes % PAGE != 0);
}

uint64_t footprint_page_bytes(uint64_t content_bytes)
{
    uint64_t pages = pages_of(content_bytes);
    return pages > UINT64_MAX / PAGE ? UINT64_MAX : pages * PAGE;
}

static uint64_t inode_bytes(size_t name_length)
{
    return INODE_BYTES + (name_length < SHORT_NAME ? 0 : 2 * name_length);
}

/* The inodes of the file and of the directories that only the file has made necessary. */
static uint64_t inodes_bytes(const char *path, const char *previous)
{
    uint64_t bytes = 0;
    bool is_new = previous == NULL;
    for (const char *name = path, *end; *name != '\0'; name = end + (*end == '/')) {
        end = name + strcspn(name, "/");
        size_t length = (size_t)(end - path) + 1;
        is_new = is_new || *end == '\0' || strncmp(path, previous, length) != 0;
        if (is_new)
            bytes += inode_bytes((size_t)(end - name));
    }
    return bytes;
}

void footprint_add_file(struct footprint *f, const char *path, const char *previous, uint64_t content_bytes,
                        uint64_t agent_bytes)
{
    uint64_t pages = pages_of(content_bytes);
    uint64_t index = pages > 1 ? (pages + INDEXED_PAGES - 1) / INDEXED_PAGES * INDEX_BYTES : 0;
    struct footprint file = {.files = 1,
                             .content_bytes = content_bytes,
                             .page_bytes = footprint_page_bytes(content_bytes),
                             .record_bytes = sum(inodes_bytes(path, previous) + agent_bytes, index)};
    footprint_add(f, &file);
}

void footprint_add(struct footprint *f, const struct footprint *other)
{
    f->files = sum(f->files, other->files);
    f->content_bytes = sum(f->content_bytes, other->content_bytes);
    f->page_bytes = sum(f->page_bytes, other->page_bytes);
    f->record_bytes = sum(f->record_bytes, other->record_bytes);
}

uint64_t footprint_needs(const struct footprint_room *room, const struct footprint *f)
{
    struct footprint all = room->used;
    footprint_add(&all, f);
    return sum(all.page_bytes,
               all.record_bytes > room->record_bytes ? all.record_bytes - room->record_bytes : 0);
}

bool footprint_fits(const struct footprint_room *room, const struct footprint *f)
{
    /* The kernel rounds the size of a volume up to pages. */
    return pages_of(footprint_needs(room, f)) <= pages_of(room->volume_bytes);
}
