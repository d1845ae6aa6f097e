/*
 * Resource usage of this process, from /proc: for the process_* metrics that Prometheus'
 * client libraries export. What cannot be read is 0; nothing fails.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

struct process_usage {
    double cpu_seconds;     /* user and system, of all threads */
    double start_time;      /* seconds since the epoch */
    double resident_bytes;  /* RSS, shared pages of files included */
    double anonymous_bytes; /* the part of RSS that is private to this process */
    double virtual_bytes;
    double open_descriptors, max_descriptors;
};

void process_usage_read(struct process_usage *ret);

#endif
