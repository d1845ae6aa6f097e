/*
 * failurePolicy.rules: how the job wants failures handled, as in batch/v1 podFailurePolicy. Rules are matched
 * against the pod that the verdict names. Pure; nothing fails.
 */
#ifndef VERDICT_RULES_H
#define VERDICT_RULES_H

#include "core/verdict/verdict.h"

/*
 * The first rule that matches, or NULL. Security failures are not subject to rules. A permanent Key or Data
 * failure can only be matched by a rule with action FailJob, as retrying cannot help.
 */
const struct job_rule *rule_of_failure(const struct job *j, const struct verdict *v);

#endif
