/*
 * failurePolicy.rules: the job's own word on a failure, as in batch/v1
 * podFailurePolicy. The rules look at the pod that the failure is told of.
 */
#ifndef VERDICT_RULES_H
#define VERDICT_RULES_H

#include "core/verdict/verdict.h"

/*
 * The first rule that matches, or NULL. Security is not subject to rules, and what is never repeated because
 * repeating cannot help (a key or data that is denied) may only be failed by them.
 */
const struct job_rule *rule_of_failure(const struct job *j, const struct verdict *v);

#endif
