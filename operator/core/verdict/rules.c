#include "core/verdict/rules.h"

#include "data/js.h"

#include "base/banned.h"

static bool matches_exit_code(const struct job_rule *r, const struct pod_facts *p)
{
    const struct container_facts *t = &p->trainer;
    if (t->state != CONTAINER_TERMINATED || t->exit_code == 0)
        return false;
    bool is_in = false;
    for (size_t i = 0; i < json_array_size(r->exit_codes); i++)
        if (json_integer_value(json_array_get(r->exit_codes, i)) == t->exit_code)
            is_in = true;
    return is_in == (r->op == RULE_IN);
}

static bool matches_conditions(const struct job_rule *r, const struct pod_facts *p)
{
    for (size_t i = 0; i < json_array_size(r->conditions); i++) {
        const json_t *c = json_array_get(r->conditions, i);
        const char *status = js_text(c, "status");
        if (pod_has_condition(p, js_text(c, "type"), *status != '\0' ? status : "True"))
            return true;
    }
    return false;
}

static bool is_permanent(const struct verdict *v)
{
    return v->retry == RETRY_NEVER && (v->failure_class == CLASS_Key || v->failure_class == CLASS_Data);
}

const struct job_rule *rule_of_failure(const struct job *j, const struct verdict *v)
{
    const struct job_failure_policy *policy = &j->spec.failure_policy;
    if (v->pod == NULL || v->failure_class == CLASS_Security)
        return NULL;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct job_rule *r = &policy->rules[i];
        if (r->exit_codes != NULL ? matches_exit_code(r, v->pod) : matches_conditions(r, v->pod))
            return r->action != RULE_FAIL_JOB && is_permanent(v) ? NULL : r;
    }
    return NULL;
}
