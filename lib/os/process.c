#include "os/process.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/view.h"
#include "os/file.h"

#include "base/banned.h"

enum { PROC_FILE_MAX = 64 * 1024 };

/* The content of a file in /proc, or NULL. */
static char *read_proc(const char *path)
{
    struct err ignored CLEANUP(err_fini) = {0};
    return file_read(path, PROC_FILE_MAX, NULL, &ignored);
}

/* The bytes of a line such as "RssAnon:     4321 kB". */
static double status_bytes(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at == NULL ? 0 : strtod(at + strlen(name), NULL) * 1024;
}

/* The nth field after the command's name, which may contain any character but ends with the last ')'. */
static double stat_field(const char *stat, int n)
{
    const char *at = strrchr(stat, ')');
    for (; at != NULL && n > 0; n--)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtod(at, NULL);
}

static double boot_time(void)
{
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
}

static double count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    double count = 0;
    if (directory == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* without opendir's */
}

void process_usage_read(struct process_usage *ret)
{
    char *stat CLEANUP(cleanup_free) = read_proc("/proc/self/stat");
    char *status CLEANUP(cleanup_free) = read_proc("/proc/self/status");
    double ticks = (double)sysconf(_SC_CLK_TCK);
    struct rlimit limit = {0};
    *ret = (struct process_usage){.open_descriptors = count_descriptors()};
    if (stat != NULL) {
        ret->cpu_seconds = (stat_field(stat, 12) + stat_field(stat, 13)) / ticks;
        ret->start_time = boot_time() + stat_field(stat, 20) / ticks;
    }
    if (status != NULL) {
        ret->resident_bytes = status_bytes(status, "\nVmRSS:");
        ret->anonymous_bytes = status_bytes(status, "\nRssAnon:");
        ret->virtual_bytes = status_bytes(status, "\nVmSize:");
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        ret->max_descriptors = (double)limit.rlim_cur;
}
