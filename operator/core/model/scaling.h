/*
 * What the cluster autoscaler says of a pod that finds no node.
 */
#ifndef MODEL_SCALING_H
#define MODEL_SCALING_H

#include <jansson.h>
#include <stdint.h>

enum scaling_word { SCALING_UNKNOWN, SCALING_UP, SCALING_REFUSED };

/* What the cluster autoscaler says of a pod that finds no node; kept by the shell, in memory only. */
struct scaling {
    const char *pod_uid; /* "" = it was not asked for */
    enum scaling_word word;
    const char *message;
    int64_t asked_us;
};

/* The newest word among a pod's events (a list of core/v1 Event). Texts are borrowed from them. */
struct scaling scaling_of_events(const json_t *list);

#endif
