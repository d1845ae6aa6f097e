/*
 * What this process uses, from /proc: for the process_* metrics that Prometheus' own client libraries give.
 * What cannot be read is 0; nothing fails. Blocking, but only on the kernel.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

struct process_usage {
    double cpu_seconds;     /* user and system, of all threads */
    double start_time;      /* seconds since the epoch */
    double resident_bytes;  /* RSS: with pages of files that others share */
    double anonymous_bytes; /* of them, memory that is this process's alone */
    double virtual_bytes;
    double open_descriptors, max_descriptors;
};

void process_usage_read(struct process_usage *ret);

#endif
