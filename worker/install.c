#include "install.h"

#include "base/alloc.h"
#include "base/view.h"
#include "os/file.h"

#include "base/banned.h"

enum { EXECUTABLE_MAX = 16 * 1024 * 1024 };

int install_exec(const char *from, const char *to, struct err *e)
{
    size_t length = 0;
    char *bytes CLEANUP(cleanup_free) = file_read(from, EXECUTABLE_MAX, &length, e);
    return bytes == NULL ? -1 : file_replace(to, view_of(bytes, length), 0755, e);
}
