/*
 * Internal to tests/plan/scene*.c.
 */
#ifndef TESTS_PLAN_SCENE_INT_H
#define TESTS_PLAN_SCENE_INT_H

#include "data/js.h"
#include "scene.h"

/* The tree, which the arena frees; NULL ends the test. */
json_t *scene_keep(json_t *tree, struct arena *a);
/* The world points into this scene. */
void scene_tie(struct scene *s);
/* As it was just created. */
const struct pod_facts *scene_empty_pod(const struct job *j, int32_t index, int32_t attempt, struct arena *a);
/* owner: the uid of a job. attempt: of the newest pods that own it, too; -1: none does. */
void scene_add_service(struct scene *s, const char *owner);
void scene_add_policy(struct scene *s, const char *owner, int32_t attempt, bool is_changed);

#endif
