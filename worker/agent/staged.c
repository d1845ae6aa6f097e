#include "agent/staged.h"

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/view.h"
#include "os/file.h"

#include "base/banned.h"

enum { TEXT_MAX = 256 };

/* The program could write this file, but all that depends on it is a warning. */
bool staged_read(struct footprint *ret)
{
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) = file_read(POD_READY_FILE, TEXT_MAX, NULL, &e);
    if (text == NULL)
        return e.code != ERR_NOT_FOUND;
    struct footprint f = {.files = 0};
    uint64_t *const numbers[] = {&f.files, &f.content_bytes, &f.page_bytes, &f.record_bytes};
    struct view rest = view_from(text);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (!view_to_u64(view_cut(rest, ' ', &rest), numbers[i]))
            return true;
    *ret = f;
    return true;
}

int staged_write(const struct footprint *inputs, struct err *e)
{
    char *text CLEANUP(cleanup_free) = xasprintf(
        "%llu %llu %llu %llu", (unsigned long long)inputs->files, (unsigned long long)inputs->content_bytes,
        (unsigned long long)inputs->page_bytes, (unsigned long long)inputs->record_bytes);
    return file_replace(POD_READY_FILE, view_from(text), 0600, e);
}
