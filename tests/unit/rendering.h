/*
 * A job and the pod of its worker 1 in attempt 3, for the tests of render. Owned by
 * the fixture that setup makes and teardown frees.
 */
#ifndef TESTS_UNIT_RENDERING_H
#define TESTS_UNIT_RENDERING_H

#include "core/model/world.h"
#include "core/render/worker_pod.h"

struct rendering {
    struct arena *a;
    json_t *object;
    struct job job;
    json_t *pod;
};

extern const struct config rendering_config;

int rendering_setup(void **state);
int rendering_teardown(void **state);
/* Renders again, with that (in single quotes) merged into the job's spec. Ends the test when it is refused.
 */
void render_with(struct rendering *r, const char *spec);

json_t *rendered_worker(const struct job *j, const struct worker *w);
json_t *rendered_pod(const struct job *j);
const json_t *rendered_container(const json_t *pod, const char *list, size_t i);
/* "" when there is none. */
const char *rendered_variable(const json_t *container, const char *name);

#endif
