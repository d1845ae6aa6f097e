/*
 * checkpoint_sim: the agent's real code for checkpoints, from HEAD to restore, over a model of all that is
 * around it.
 *
 * Real: worker/agent/{checkpoints,restore,destinations,remembered,room}.c, worker/checkpoint, worker/volume,
 * lib/seal with real encryption. Models, which take the places of the real ones when the program is linked:
 * Cloud Storage (store.c), the watcher and the program's directory (disk.c), the report and the staging
 * (agent.c), clocks and random numbers (run.c). An agent runs on a stack of its own and is left at each call
 * of the store, before its effect and after it, so that programs, other agents and troubles come between.
 *
 * A run is made of a seed, which says what the programs do and how they end, and of troubles: which kind at
 * which call of the store. Everything else follows, so that a run can be repeated. One run at a time.
 */
#ifndef TESTS_SIM_CHECKPOINT_WORLD_H
#define TESTS_SIM_CHECKPOINT_WORLD_H

#include <stdio.h>

#include "../seen.h"
#include "agentapi/assignment.h"
#include "program.h"
#include "seal/head.h"

enum {
    CONTENTS_MAX = 800,
    SETS_MAX = 200,
    SET_FILES_MAX = 8,
    COMMITS_MAX = 160,
    ITEMS_MAX = 48,
    ATTEMPTS_MAX = 6,
    AGENTS_MAX = 24,
    FILES_MAX = 32,
    TROUBLES_MAX = 2,
    TEXT_SIZE = 400,
    SHA_SIZE = 65,
    NAME_SIZE = 96
};

#define SIM_BUCKET "bucket"
#define SIM_PREFIX "job/checkpoints/"
#define SIM_JOB    "job-uid"

/* ---- what truly happened ---- */
/* What a file held once, from its opening on. */
struct content {
    char text[TEXT_SIZE]; /* as it is when it is whole */
    int attempt, step;
    int64_t closed_ms;       /* -1: not yet */
    bool is_declared;        /* by an act of the program */
    bool is_settled;         /* it stood in a commit, which makes later renames of it declare it */
    bool is_gone;            /* the program has removed it, or written over it */
    char path[3][PATH_SIZE]; /* where it stood */
    int paths;
};

/* What stood in a directory when an act declared it. */
struct declared_set {
    char directory[PATH_SIZE];
    int contents[SET_FILES_MAX];
    int count;
};

/* A line of a manifest. */
struct item {
    char path[PATH_SIZE], group[PATH_SIZE];
    int content; /* of the object that it refers to; -1: that object does not exist */
    bool is_declared;
    int64_t attempt, sequence;
};

/* A manifest that an agent has moved HEAD to. */
struct commit {
    char name[NAME_SIZE], sha256[SHA_SIZE], title[PATH_SIZE];
    int64_t attempt, sequence;
    int parent; /* -1: none */
    int agent;
    struct item items[ITEMS_MAX];
    int count;
};

/* ---- actors ---- */
struct disk_file {
    char path[PATH_SIZE];
    int content;
    int fd; /* the program's, while it writes; else -1 */
};

/* One worker's pod: its volumes and its program. They outlive its agent. */
struct pod {
    char uid[16];
    int attempt;
    struct program program;
    size_t done;                /* acts */
    bool is_started, is_staged; /* the program; inputs and restored files */
    bool has_ended;             /* the program */
    bool is_lost;               /* for the operator */
    bool is_dead;               /* in truth */
    bool is_over;               /* its agent has ended */
    int exit_code;
    int number;         /* of its directory */
    int anchor;         /* what its assignment says: a commit; -1: none */
    int64_t restart_ms; /* its agent is to be started anew then; 0: it is not */
    struct disk_file files[FILES_MAX];
    int count;
    bool was_restarted;
    int64_t touched_ms, declared_ms; /* by its program, last */
};

enum agent_phase { AGENT_WAITS, AGENT_CALLS, AGENT_HAS_ENDED };

/* ---- troubles ---- */
/*
 * Which calls one can happen to, what it does besides, and after how many milliseconds the store has the
 * call. A call that fails has no effect; a reply that is lost leaves one. Who dies "after" does so when the
 * effect is there. A dead agent is started anew in its pod. A pod that is cut off is lost for the operator,
 * and goes on all the same. From WITHHELD on they are lies.
 */
#define TROUBLES(ROW)                                                                                        \
    ROW(NONE, ANY, NOTHING, 20)                                                                              \
    ROW(AGENT_DIES_BEFORE, ANY, AGENT_DIES, 20)                                                              \
    ROW(AGENT_DIES_AFTER, WRITES, AGENT_DIES, 20)                                                            \
    ROW(POD_DIES_BEFORE, ANY, POD_DIES, 20)                                                                  \
    ROW(POD_DIES_AFTER, WRITES, POD_DIES, 20)                                                                \
    ROW(CALL_FAILS, ANY, NOTHING, 5000)                                                                      \
    ROW(REPLY_IS_LOST, WRITES, NOTHING, 20)                                                                  \
    ROW(REPORTS_ARE_LOST, WRITES, REPORTS_END, 20)                                                           \
    ROW(SLOW, ANY, NOTHING, 20000)                                                                           \
    ROW(CUT_OFF_SHORTLY, ANY, POD_IS_LOST, 2500)                                                             \
    ROW(CUT_OFF, ANY, POD_IS_LOST, 16000)                                                                    \
    ROW(CUT_OFF_FOR_LONG, ANY, POD_IS_LOST, 70000)                                                           \
    ROW(WITHHELD, READS, NOTHING, 20)                                                                        \
    ROW(ALTERED, READS, NOTHING, 20)                                                                         \
    ROW(TRUNCATED, READS, NOTHING, 20)                                                                       \
    ROW(SWAPPED, READS, NOTHING, 20)                                                                         \
    ROW(OLD_REPLY, HEAD, NOTHING, 20)                                                                        \
    ROW(HEAD_ROLLED_BACK, ANY, NOTHING, 20)                                                                  \
    ROW(HEAD_OF_THE_FUTURE, ANY, NOTHING, 20)                                                                \
    ROW(HEAD_OF_ANOTHER_POD, ANY, NOTHING, 20)                                                               \
    ROW(HEAD_CLAIMS_TO_BE_OURS, ANY, NOTHING, 20)                                                            \
    ROW(HEAD_OF_ANOTHER_JOB, ANY, NOTHING, 20)                                                               \
    ROW(HEAD_OF_AN_OUTPUT, ANY, NOTHING, 20)                                                                 \
    ROW(HEAD_MIXED, ANY, NOTHING, 20)                                                                        \
    ROW(HEAD_GARBAGE, ANY, NOTHING, 20)                                                                      \
    ROW(HEAD_REMOVED, ANY, NOTHING, 20)

enum trouble {
#define TROUBLE_ROW(name, where, effect, delay) TROUBLE_##name,
    TROUBLES(TROUBLE_ROW)
#undef TROUBLE_ROW
        TROUBLE_KINDS,
    TROUBLE_FIRST_LIE = TROUBLE_WITHHELD
};

struct trouble_at {
    int call;
    enum trouble kind;
};

/* ---- the world ---- */
struct agent;

struct world {
    uint64_t seed;
    struct dice dice;
    bool is_random; /* troubles come by chance, too */
    struct trouble_at troubles[TROUBLES_MAX];
    int trouble_count;
    FILE *trace; /* NULL: none */
    struct seen *seen;

    int64_t now_ms;
    int calls;         /* of the store */
    int style, starts; /* attempts so far */
    struct pod pods[ATTEMPTS_MAX];
    struct agent *agents[AGENTS_MAX];
    int agent_count;
    int running; /* the agent whose code runs; -1: none */
    int anchor;  /* the commit that the operator knows; -1: none */
    bool is_over, has_succeeded, is_lied_to, is_head_attacked;

    struct content contents[CONTENTS_MAX];
    int content_count;
    struct declared_set sets[SETS_MAX];
    int set_count;
    struct commit commits[COMMITS_MAX];
    int commit_count; /* the last one is what HEAD has been moved to last */

    const char *broken; /* the law that was broken; NULL: none */
    char where[160];
};

extern struct world world;

/* Keeps the first law that is broken. */
void break_law(const char *law, const char *format, ...) __attribute__((format(printf, 2, 3)));
__attribute__((format(printf, 1, 2))) void trace(const char *format, ...);

#endif
