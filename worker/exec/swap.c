#include "swap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The start of the file as a text; -1 with errno set. */
static int read_start(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    if (n < 0)
        return -1;
    text[n] = '\0';
    return 0;
}

bool swap_is_possible(void)
{
    char text[512];
    if (read_start("/proc/swaps", text, sizeof(text)) < 0)
        return errno != ENOENT;               /* a kernel without swap has no such file */
    const char *entries = strchr(text, '\n'); /* behind the headings */
    if (entries == NULL || entries[1] == '\0')
        return false;
    return read_start("/sys/fs/cgroup/memory.swap.max", text, sizeof(text)) < 0 || strcmp(text, "0\n") != 0;
}
