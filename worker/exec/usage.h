/*
 * What this container uses, as its own cgroup counts it (version 2 or 1).
 */
#ifndef EXEC_USAGE_H
#define EXEC_USAGE_H

struct usage {
    unsigned long long memory_bytes, cpu_us;
};

/* 0, or -1 where the cgroup is not to be seen. */
int usage_read(struct usage *ret);

#endif
