/*
 * Jobs and pods of the model as the API server would show them. The caller owns what it gets.
 */
#ifndef TESTS_SIM_OBJECT_JSON_H
#define TESTS_SIM_OBJECT_JSON_H

#include "objects.h"

json_t *job_json(const struct simjob *j);
/* rendered: what the operator created. The kubelet, and whoever deletes and evicts, have added their words.
 */
json_t *pod_json(const struct pod *p, const json_t *rendered);

#endif
