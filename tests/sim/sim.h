/*
 * A small cluster around plan(): API server, scheduler, kubelets, garbage collector,
 * people, a clock, and one or two operators with caches that lag.
 *
 * A state is one flat block without pointers, so that it can be copied, hashed and
 * kept by the million. A step changes it by one choice; everything that may happen
 * next is the list of its choices. Names of objects are numbers here and become
 * texts only in the world that plan() sees (view.c).
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdio.h>

#include "core/plan.h"
#include "shell/expect.h"

enum {
    REPLICAS = 2,
    NODES = 2,
    OPS = 2,
    JOBS = 2, /* one after the other */
    PODS = 20,
    POD_QUEUE = 6,
    JOB_QUEUE = 4,
    WRITES = 12,
    EXPECTS = 12,
    ATTEMPTS = 12,
    CHOICES = 160,
};

enum trainer { T_NONE, T_RUNNING, T_EXIT_0, T_EXIT_1, T_OOM, T_TERM };
enum told { TOLD_NOTHING, TOLD_SUCCEEDED, TOLD_FAILED, TOLD_SECURITY };
enum disruption { D_NONE, D_EVICTION, D_TAINT, D_POD_GC };
enum { POD_DELETING = 1, POD_READY = 2, POD_GONE = 4 };

struct pod {
    uint8_t number; /* its uid; 0 = no pod */
    uint8_t job;    /* whose: 1, or 2 after the job was deleted and made again */
    uint8_t attempt;
    uint8_t index;
    uint8_t phase;
    uint8_t node; /* 0 = not bound */
    uint8_t trainer;
    uint8_t told; /* by the agent's termination message */
    uint8_t disruption;
    uint8_t flags;
    uint16_t finished_s; /* when the trainer ended */
};

struct simjob {
    uint8_t number; /* its uid; 0 = there is none */
    bool is_deleting;
    uint8_t generation;
    uint16_t version;
    uint32_t status; /* status_of() */
};

struct simnode {
    bool exists;
    bool is_ready;
};

struct service {
    uint8_t number; /* its uid; 0 = there is none */
    uint8_t job;
};

/* A NetworkPolicy; its name holds the job's uid, so that each job has one of its own. */
struct policy {
    uint8_t number;  /* its uid; 0 = there is none */
    uint8_t attempt; /* whose pods own it, 0 = none */
    uint16_t version;
};

/* One write of a plan. */
struct simwrite {
    uint8_t kind; /* enum action_kind */
    bool is_done;
    uint8_t attempt, index;
    uint8_t pod;      /* DELETE_POD: its number */
    uint16_t version; /* UPDATE_POLICY: the one that it was planned on */
    uint32_t status;
};

struct simexpect {
    uint8_t kind, cache;
    uint8_t attempt, index; /* a pod's name */
    uint8_t number;         /* THERE, LEAVING: the object's uid */
    uint16_t version;       /* VERSION */
    uint32_t since_ms;
};

/* A watch is a queue of what the cache has not taken yet. */
struct oper {
    bool is_up;
    uint8_t stage; /* 0: nothing listed, 1: jobs, 2: everything */
    uint8_t due;   /* 1: a pass is due; 2: looked, and waits for its caches */
    bool in_pass;
    bool relist[CACHE_COUNT];
    uint32_t fresh_ms[CACHE_COUNT];
    uint32_t wake_ms;

    struct simjob job;
    struct simjob job_queue[JOB_QUEUE];
    uint8_t jobs_queued;
    struct pod pods[PODS];
    struct pod pod_queue[POD_QUEUE];
    uint8_t pods_queued;
    struct service service;
    struct policy policies[JOBS];
    struct simnode nodes[NODES];

    uint8_t task_job;    /* what the task remembers is about this one */
    uint16_t listed_for; /* the job's version for which pods were listed, see the shell's pass.c */
    struct simexpect expects[EXPECTS];
    uint8_t expect_count;
    uint8_t refused_kind, refused_attempt, refused_index, refused_count;
    uint32_t refused_ms;

    struct simjob base; /* what the pass under way was planned on */
    struct simwrite writes[WRITES];
    uint8_t write_count;
};

/* What really happened, to hold the operator's books against. */
enum hurt { HURT_PROGRAM = 1, HURT_DISRUPTED = 2, HURT_SECURITY = 4 };
struct ghost {
    uint8_t hurt[ATTEMPTS];      /* why the attempt may be called failed */
    uint8_t succeeded[ATTEMPTS]; /* workers that succeeded, a bit each */
    uint8_t charged[ATTEMPTS];   /* failures counted for it */
    bool is_whole[ATTEMPTS];     /* the status has counted all its pods */
    bool lost_policy;            /* a person has deleted it */
    bool was_late;               /* a request of an operator that had died came after all */
    uint8_t world_faults, operator_faults;
};

struct state {
    uint32_t ms;
    uint8_t last_number;
    uint16_t last_version;
    struct simjob job;
    struct pod pods[PODS];
    struct service service;
    struct policy policies[JOBS];
    struct simnode nodes[NODES];
    struct oper ops[OPS];
    /* A request of an operator that has died, still on its way. */
    struct simwrite orphan;
    struct simjob orphan_base;
    bool has_orphan;
    struct ghost ghost;
    bool is_deleted_for_good;
    uint8_t ops_used;
    uint8_t scenario;
};

enum choice_kind {
    /* what must happen sooner or later */
    SCHEDULE,
    RUN_CONTAINERS,
    GET_READY,
    EXIT_0,
    COMPLETE,
    STOP_CONTAINERS,
    REMOVE_STOPPED,
    COLLECT,
    NODE_BACK,
    START_OPERATOR,
    LIST_JOBS,
    LIST_REST,
    RELIST,
    SEE_JOB,
    SEE_POD,
    SEE_SERVICE,
    SEE_POLICY,
    SEE_NODE,
    PASS,
    WRITE,
    ORPHAN_ARRIVES,
    WAIT,
    /* trouble of the world */
    EXIT_1,
    OUT_OF_MEMORY,
    SECURITY_FAILURE,
    EVICT,
    PERSON_DELETES_POD,
    PERSON_FORCES_POD,
    NODE_LOST,
    TAINT_EVICTS,
    NODE_GONE,
    PERSON_DELETES_SERVICE,
    PERSON_DELETES_POLICY,
    USER_EDITS,
    USER_DELETES_JOB,
    USER_DELETES_FOREGROUND,
    USER_CREATES_AGAIN,
    /* trouble of an operator */
    CRASH,
    WRITE_THEN_CRASH,
    CRASH_WITH_REQUEST,
    WRITE_FAILS,
    WRITE_ANSWER_LOST,
    WRITE_REFUSED,
    WATCH_BREAKS,
    SPURIOUS,
    CHOICE_KINDS,
};
#define FIRST_WORLD_TROUBLE EXIT_1
/* Wall time when the simulation begins: 2026-01-01T12:00:00Z. */
#define SIM_EPOCH_US           INT64_C(1767268800000000)
#define FIRST_OPERATOR_TROUBLE CRASH

struct choice {
    uint8_t kind;
    uint8_t op;
    uint8_t arg; /* slot of a pod or policy, number of a node, slot of a write, enum cache */
};

struct scenario {
    const char *name;
    uint8_t ops;
    uint8_t world_faults, operator_faults; /* how many of each a run may see */
    bool is_lagging;                       /* caches see changes later than they are */
};
extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* ---- steps.c: what may happen, and happening ---- */
void state_init(struct state *s, uint8_t scenario);
/* All that may happen next; trouble only within the scenario's budget and if asked for. */
size_t choices_of(const struct state *s, bool with_trouble, struct choice ret[CHOICES]);
/* NULL, or the law that was broken. */
const char *step(struct state *s, struct choice c);
/* "SCHEDULE op 0 arg 1", and back; false when the text is none. */
const char *choice_name(enum choice_kind kind);
bool is_trouble(enum choice_kind kind);

/* ---- cluster.c: who lives behind it ---- */
const char *cluster_step(struct state *s, struct choice c);
size_t cluster_choices(const struct state *s, bool with_trouble, struct choice *ret);
bool pod_is_over(const struct pod *p);

/* ---- server.c: the API server ---- */
enum reply { REPLY_OK, REPLY_CONFLICT, REPLY_EXISTS, REPLY_NOT_FOUND };
/* The API server takes a write. *ret_number: uid or resourceVersion of the object. */
enum reply serve(struct state *s, const struct simwrite *w, const struct simjob *base, uint16_t *ret_number,
                 const char **ret_law);
/* Watches bring it to the operators. */
void job_changed(struct state *s);
void tell_pod(struct state *s, struct pod p);
void remove_pod(struct state *s, struct pod *p);
/* As a DELETE does: a pod without a node is gone at once. */
void begin_deletion(struct state *s, struct pod *p);
struct pod *pod_named(struct pod *pods, uint8_t attempt, uint8_t index);

/* ---- operator.c, choices.c: the shell's rules around plan() ---- */
const char *operator_step(struct state *s, struct choice c);
size_t operator_choices(const struct state *s, uint8_t op, bool with_trouble, struct choice *ret);
bool is_create(const struct simwrite *w);
void operator_see_job(struct oper *o);
void operator_see_pod(struct oper *o);

/* ---- view.c: a cache as plan()'s world; the calls of the real expectations ---- */
struct plan view_plan(const struct state *s, uint8_t op, struct arena *a, struct world *ret_world);
void view_expect(const struct state *s, struct oper *o, enum expectation_kind kind, enum cache cache,
                 const struct simwrite *w, uint16_t number);
bool view_is_current(const struct state *s, struct oper *o);

/* ---- statuses.c: statuses by number, as they come back from the API server ---- */
uint32_t status_number(const struct job_status *status);
const struct job_status *status_of(uint32_t number);
/* The same for statuses that differ in times only. */
uint32_t status_shape(uint32_t number);
void statuses_forget(void);

/* ---- laws.c ---- */
const char *law_of_status(struct state *s, const struct job_status *old, const struct job_status *new);
const char *law_of_create(struct state *s, const struct simwrite *w, const struct simjob *base);
const char *law_of_plan(const struct world *w, const struct plan *plan);
/* Nothing moves any more. */
const char *law_of_rest(const struct state *s);

/* ---- explore.c, walk.c ---- */
struct seen;                           /* hashes of visited states, shared by processes */
struct seen *seen_new(uint64_t slots); /* a power of two; NULL without memory */
void seen_free(struct seen *seen);
bool seen_add(struct seen *seen, uint64_t hash);
uint64_t seen_count(const struct seen *seen);
uint64_t state_hash(const struct state *s);

/* Runs to rest without trouble; NULL or the law that was broken. */
const char *run_fairly(struct state *s, uint64_t seed, struct seen *seen, FILE *trace);
/* Breadth first, until so many states. False when a law was broken, which is printed. */
bool explore(uint8_t scenario, uint64_t most, struct seen *seen);
/* One random run. */
bool walk(uint64_t seed, int steps, struct seen *seen, bool is_verbose);
bool replay(const char *path);

void choice_print(FILE *f, const struct state *s, struct choice c);
uint64_t next_random(uint64_t *state);

#endif
