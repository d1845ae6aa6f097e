/*
 * Resource usage of this container, from its own cgroup (version 2 or 1).
 */
#ifndef EXEC_USAGE_H
#define EXEC_USAGE_H

struct usage {
    unsigned long long memory_bytes, cpu_us;
};

/* 0, or -1 when the cgroup cannot be read. */
int usage_read(struct usage *ret);

#endif
