/*
 * A world for plan(), read from a case's JSON (see tests/plan/README.md), and what
 * becomes of it when actions are carried out. Everything lives in the arena.
 */
#ifndef TESTS_PLAN_SCENE_H
#define TESTS_PLAN_SCENE_H

#include "core/plan/plan.h"

/* 2026-01-01T12:00:00Z, the time of every case. */
#define SCENE_NOW_US INT64_C(1767268800000000)

struct scene {
    struct world w;
    struct job job;
    struct child_facts service;
    struct child_facts policy;
    struct namespace_facts ns;
    const struct pod_facts **pods;
    const struct pod_facts **departed;
    const struct node_facts **nodes;
    const struct report_facts **reports;
    size_t pod_count;
    size_t pod_capacity;
};

/* Ends the test when the case cannot be read. The case must outlive the scene. */
struct scene *scene_read(const json_t *test_case, struct arena *a);
/* A copy of the scene after the first `count` actions. */
struct scene *scene_after(const struct scene *s, const struct action *actions, size_t count, struct arena *a);
/* A copy with pods and nodes in another order; 0 reverses, other seeds shuffle. */
struct scene *scene_shuffled(const struct scene *s, unsigned seed, struct arena *a);

#endif
