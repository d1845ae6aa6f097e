/*
 * What the cluster autoscaler says about an unschedulable pod. Pure; nothing fails.
 */
#ifndef MODEL_SCALING_H
#define MODEL_SCALING_H

#include <jansson.h>
#include <stdint.h>

enum scaling_word { SCALING_UNKNOWN, SCALING_UP, SCALING_REFUSED };

/* Kept by the shell, in memory only. */
struct scaling {
    const char *pod_uid; /* "" = the autoscaler was not asked */
    enum scaling_word word;
    const char *message;
    int64_t asked_us;
};

/* The newest decision among a pod's events (a list of core/v1 Event); its message is borrowed from them. */
struct scaling scaling_of_events(const json_t *list);

#endif
