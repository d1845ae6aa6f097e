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

#include "core/plan/plan.h"
#include "seen.h"
#include "shell/cache/expectations.h"

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
    DEPARTED = 8,
    ATTEMPTS = 12,
    CHOICES = 160,
};

/* Services, nodes and namespaces are listed together. */
#define OTHER_CACHES CACHE_SERVICES

enum trainer { T_NONE, T_RUNNING, T_EXIT_0, T_EXIT_1, T_OOM, T_TERM };
enum told { TOLD_NOTHING, TOLD_SUCCEEDED, TOLD_FAILED, TOLD_SECURITY };
enum disruption { D_NONE, D_EVICTION, D_TAINT, D_POD_GC, D_KUEUE };
enum {
    POD_DELETING = 1,
    POD_READY = 2,
    POD_GONE = 4,
    POD_GATED = 8,
    POD_GROUP_OVER = 16,
    POD_HELD = 32, /* by Kueue's finalizer */
    POD_FORCED = 64,
};

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
    uint8_t group;  /* Kueue's: the attempt that began it, 0 = none */
    uint8_t unused; /* no padding: the bytes are a key */
    uint16_t created_s;
    uint16_t finished_s; /* when the trainer ended */
    uint16_t leaves_s;   /* being deleted: when its grace is over */
};

/* What a spec asks for beside the usual. */
enum variant { WITH_DEADLINE = 1, WITH_TTL = 2, WITH_CLEAN_PODS = 4, WITH_QUEUE = 8, WITH_SMALL_QUOTA = 16 };
enum {
    STATUS_PAUSE_MS = 1000,
    DEADLINE_S = 300,
    TTL_S = 60,
    GRACE_S = 60,
    FORCE_S = 100,
    HOLD_S = 60,
    OWN_GRACE = 255
};

struct simjob {
    uint8_t number; /* its uid; 0 = there is none */
    bool is_deleting;
    bool is_suspended;
    uint8_t variant; /* of the spec: enum variant, of the scenario */
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
    uint8_t number;   /* DELETE_*: of what */
    uint8_t grace;    /* DELETE_POD: seconds, or OWN_GRACE */
    uint8_t group;    /* CREATE_POD */
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

/* What an informer waits for. */
enum call {
    CALL_NONE,
    CALL_LIST,   /* the server's answer to a list */
    CALL_ANSWER, /* the answer has been given, and is on its way */
    CALL_WATCH,
};

/*
 * An operator's memory, flat. Its caches are put up from it for each step (rig.h). A
 * watch is a queue of what the cache has not taken yet.
 */
struct oper {
    bool is_up;
    uint8_t due; /* 1: a reconcile is due; 2: it waits for the caches to show its writes */
    bool in_reconcile;
    uint8_t calls[CACHE_COUNT]; /* enum call */
    bool is_synced[CACHE_COUNT];
    uint32_t asked_ms[CACHE_COUNT]; /* for the list that is under way */
    uint32_t fresh_ms[CACHE_COUNT];
    uint32_t taken_ms[CACHE_COUNT]; /* the last list */
    uint32_t wake_ms;
    uint32_t status_ms; /* when it wrote the status last, 0 = never */

    struct simjob job;
    struct simjob job_answer; /* of a list that is on its way */
    struct simjob job_queue[JOB_QUEUE];
    uint8_t jobs_queued;
    struct pod pods[PODS];
    struct pod pods_answer[PODS];
    struct pod pod_queue[POD_QUEUE];
    uint8_t pods_queued;
    struct service service;
    struct policy policies[JOBS];
    struct policy policies_missed[JOBS];
    struct service service_missed; /* came and went, and its events are on their way */
    struct simnode nodes[NODES];

    uint8_t item_job;    /* what the queue item remembers is about this one */
    uint16_t listed_for; /* the job's version for which pods were listed, see the shell's reconcile.c */
    struct simexpect expects[EXPECTS];
    uint8_t expect_count;
    struct pod departed[DEPARTED]; /* how it saw workers last that have gone */
    uint8_t departed_count, departed_planned;
    uint8_t refused_kind, refused_attempt, refused_index, refused_count;
    bool is_refusal_told;
    uint32_t refused_ms;

    /* What the API server has answered to this process: by uid what it made and stopped, its last status. */
    uint8_t made[32], stopped[32];
    uint8_t seen_lost[ATTEMPTS]; /* workers that its cache has shown as lost with their node, a bit each */
    uint16_t last_version;
    uint32_t unknown_ms[CACHE_COUNT]; /* when an answer was lost last */

    struct simjob base; /* what the running reconcile was planned on */
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
    bool is_given_up[ATTEMPTS];  /* by suspension, or given back for a quota's sake */
    bool was_late;    /* a request came from an operator that had died, or that another has overtaken */
    uint8_t rewrites; /* of the status, since anything else happened */
    bool lost_policy; /* a person has deleted it */
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
    bool is_quota_full;
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
    SERVE_LIST,
    TAKE_LIST,
    SEE_JOB,
    SEE_POD,
    SEE_SERVICE,
    SEE_POLICY,
    SEE_NODE,
    PASS,
    WRITE,
    ORPHAN_ARRIVES,
    QUOTA_FREES,
    KUEUE_LIFTS_GATE,
    KUEUE_LETS_GO,
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
    QUOTA_FILLS,
    KUEUE_EVICTS,
    USER_EDITS,
    USER_SUSPENDS_OR_RESUMES,
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
    EVENT_COMES_AGAIN,
    EVENTS_SWAP,
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
    uint8_t variant;
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
void hurt(struct state *s, const struct pod *p, enum hurt how);

/* ---- kueue.c ---- */
struct kueue_list {
    struct choice *choices;
    size_t *count;
};
void kueue_choices(const struct state *s, bool is_rough, const struct kueue_list *l);
void kueue_step(struct state *s, enum choice_kind kind, struct pod *p);
/* How many pods of that group Kueue counts. */
int kueue_counted(const struct state *s, const struct pod *of);

/* ---- server.c: the API server ---- */
enum reply { REPLY_OK, REPLY_CONFLICT, REPLY_EXISTS, REPLY_NOT_FOUND, REPLY_REFUSED };
/* The API server takes a write. *ret_number: uid or resourceVersion of the object. */
enum reply serve(struct state *s, const struct simwrite *w, const struct simjob *base, uint16_t *ret_number,
                 const char **ret_law);
/* Watches bring it to the operators. */
void job_changed(struct state *s);
void tell_pod(struct state *s, struct pod p);
void remove_pod(struct state *s, struct pod *p);
void remove_service(struct state *s);
void remove_policy(struct state *s, size_t job);
/* As a DELETE does: a pod without a node is gone at once. */
void begin_deletion(struct state *s, struct pod *p, uint8_t grace);
struct pod *pod_named(struct pod *pods, uint8_t attempt, uint8_t index);
/* By name, so that equal worlds look equal whatever led to them. */
void put_pod(struct pod pods[PODS], struct pod p);

/* ---- operator.c, choices.c: the shell's rules around plan() ---- */
const char *operator_step(struct state *s, struct choice c);
size_t operator_choices(const struct state *s, uint8_t op, bool with_trouble, struct choice *ret);
bool has_policy_news(const struct state *s, const struct oper *o);
bool is_create(const struct simwrite *w);
/* The first event of the queue comes, or the answer of a list. */
void operator_see_job(const struct state *s, struct oper *o);
void operator_see_pod(const struct state *s, struct oper *o);
void operator_take_list(const struct state *s, struct oper *o, enum cache cache);
/* The cache has lost that pod. */
void operator_note_departed(struct oper *o, const struct pod *p);

/* ---- view.c: the real caches as plan()'s world; the calls of the real expectations ---- */
void view_world(const struct state *s, const struct oper *o, const struct caches *c, struct arena *a,
                struct world *ret);
void view_expect(const struct state *s, struct oper *o, enum expectation_kind kind, enum cache cache,
                 const struct simwrite *w, uint16_t number);
bool view_is_current(struct oper *o, const struct caches *c);
void view_note_gone(struct oper *o, const char *uid);

/* ---- statuses.c: statuses by number, as they come back from the API server ---- */
uint32_t status_number(const struct job_status *status);
const struct job_status *status_of(uint32_t number);
/* The same for statuses that differ in times only. */
uint32_t status_shape(uint32_t number);
void statuses_forget(void);

/* ---- rig.c: NULL, or the law of the API that requests of the informers have broken since the last call ----
 */
const char *rig_broken_law(void);

/* ---- objects.c: what was made of objects, for real ---- */
void objects_forget(void);

/* ---- laws.c ---- */
const char *law_of_status(struct state *s, const struct job_status *old, const struct job_status *now);
const char *law_of_create(struct state *s, const struct simwrite *w, const struct simjob *base);
/* An operator knows what it was answered. */
const char *law_of_own_writes(const struct state *s, const struct oper *o, const struct simwrite *w);
/* That a worker was deleted is the word for those of whom nothing else is known when the plan is made. */
const char *law_of_known_causes(const struct oper *o, const struct job_status *now);
/* Whoever waits has something to wait for. */
const char *law_of_waiting(const struct state *s, const struct oper *o);
const char *law_of_delete(const struct state *s, const struct simwrite *w, const struct pod *p);
const char *law_of_plan(const struct world *w, const struct plan *plan);
/* law_of_holding.c: of a plan, too. */
const char *law_of_holding(const struct world *w, const struct plan *plan);
/* Nothing moves any more. */
const char *law_of_rest(const struct state *s);

/* ---- explore.c, walk.c ---- */
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
