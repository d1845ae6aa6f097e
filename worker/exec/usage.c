#include "usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number after `key` in the file, or at its start when key is "". */
static int read_number(const char *path, const char *key, unsigned long long *ret)
{
    char text[512], *end = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    const char *at = strstr(text, key);
    if (at == NULL)
        return -1;
    *ret = strtoull(at + strlen(key), &end, 10);
    return end == at + strlen(key) ? -1 : 0;
}

int usage_read(struct usage *ret)
{
    struct usage u;
    if (read_number("/sys/fs/cgroup/memory.current", "", &u.memory_bytes) < 0 &&
        read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", "", &u.memory_bytes) < 0)
        return -1;
    if (read_number("/sys/fs/cgroup/cpu.stat", "usage_usec ", &u.cpu_us) < 0) {
        if (read_number("/sys/fs/cgroup/cpuacct/cpuacct.usage", "", &u.cpu_us) < 0)
            return -1;
        u.cpu_us /= 1000;
    }
    *ret = u;
    return 0;
}
