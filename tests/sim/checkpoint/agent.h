/*
 * Agents of worker pods, each on a stack of its own, and what they are told by their troubles.
 */
#ifndef TESTS_SIM_CHECKPOINT_AGENT_H
#define TESTS_SIM_CHECKPOINT_AGENT_H

#include <ucontext.h>

#include "agent/keyring.h"
#include "gcp/gcs.h"
#include "world.h"

struct report_writer {
    struct agent *agent;
};

struct agent {
    struct gcp_config gcp; /* first: a bucket's client leads to its agent */
    bool is_ghost;         /* the laws' own reading: without troubles */
    int number, pod;
    struct assignment assignment;
    struct keyring keys;
    struct report_writer report;
    struct checkpoints *checkpoints;

    ucontext_t context;
    enum agent_phase phase;
    int64_t wake_ms;
    const char *call; /* the one that goes on */
    bool is_dead;     /* none of its calls has an effect any more */
    bool reports_nothing;
    int calls;

    int anchor;           /* what the assignment says */
    int head_seen;        /* the newest commit when it read HEAD */
    int found;            /* what its snapshots build on: found, then its own; -1: nothing */
    int known;            /* the newest commit that it knows of; -1: none */
    int64_t committed_ms; /* as far as it knows, last; 0: never */
    enum err_code end;
};

/* A new agent in the pod; it runs from now on. */
void agent_start(int pod);
/* Lets its code run until it calls the store, or waits. */
void agent_resume(struct agent *a);
/* From its own code: others run until then. */
void agent_pause(struct agent *a, enum agent_phase phase, int64_t until_ms);
/* Ends its code and frees it. */
void agent_free(struct agent *a);
/* For reading what is stored without any trouble; the caller closes *ret. */
void ghost_open(struct seal_context *ret);

#endif
