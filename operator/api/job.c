#include "api/job.h"

#include <string.h>

#include "api/labels.h"

#include "base/banned.h"

static const char *const technology_names[] = {[TECHNOLOGY_SEV] = "SEV",
                                               [TECHNOLOGY_SEV_SNP] = "SEV_SNP",
                                               [TECHNOLOGY_TDX] = "TDX",
                                               [TECHNOLOGY_COUNT] = ""};

const char *technology_name(enum technology t)
{
    return technology_names[t];
}

enum technology technology_from_name(const char *name)
{
    int t = 0;
    while (t < TECHNOLOGY_COUNT && strcmp(technology_names[t], name) != 0)
        t++;
    return (enum technology)t;
}

static const char *const phase_names[] = {
    [PHASE_PENDING] = "Pending",       [PHASE_QUEUED] = "Queued",       [PHASE_STARTING] = "Starting",
    [PHASE_STAGING] = "Staging",       [PHASE_RUNNING] = "Running",     [PHASE_RESTARTING] = "Restarting",
    [PHASE_PUBLISHING] = "Publishing", [PHASE_SUSPENDED] = "Suspended", [PHASE_SUCCEEDED] = "Succeeded",
    [PHASE_FAILING] = "Failing",       [PHASE_FAILED] = "Failed",
};

const char *phase_name(enum job_phase phase)
{
    return phase_names[phase];
}

enum job_phase phase_from_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(phase_names); i++)
        if (strcmp(phase_names[i], name) == 0)
            return (enum job_phase)i;
    return PHASE_PENDING;
}

bool job_is_ours(const struct job *j)
{
    return *j->spec.managed_by == '\0' || strcmp(j->spec.managed_by, JOB_CONTROLLER) == 0;
}

const char *job_queue(const struct job *j)
{
    const char *name = json_string_value(json_object_get(j->labels, LABEL_QUEUE));
    return name != NULL ? name : "";
}

enum technology job_technology(const struct job *j)
{
    enum technology t = technology_from_name(j->status.requested_technology);
    for (size_t i = 0; i < j->spec.technology_count; i++)
        if (j->spec.technologies[i] == t)
            return t;
    return j->spec.technologies[0];
}

void status_init(struct job_status *s)
{
    *s = (struct job_status){
        .reason = "",
        .message = "",
        .workers = {.summary = "", .completed_indexes = ""},
        .technology = "",
        .progress = PROGRESS_NONE,
        .requested_technology = "",
        .checkpoint = {.uri = "", .name = "", .time = "", .manifest_sha256 = ""},
        .restored = {.checkpoint = {.name = ""}},
        .passed_over = {.name = ""},
        .output = {.uri = "", .manifest_sha256 = ""},
    };
}

const struct status_condition *status_condition(const struct job_status *s, const char *type)
{
    for (size_t i = 0; i < s->condition_count; i++)
        if (strcmp(s->conditions[i].type, type) == 0)
            return &s->conditions[i];
    return NULL;
}

bool phase_is_finished(enum job_phase phase)
{
    return phase == PHASE_SUCCEEDED || phase == PHASE_FAILED;
}

bool status_is_finished(const struct job_status *s)
{
    return phase_is_finished(s->phase);
}

bool status_is_failed(const struct job_status *s)
{
    return s->phase == PHASE_FAILED || s->phase == PHASE_FAILING;
}

bool status_is_suspended(const struct job_status *s)
{
    return s->attempt > 0 && s->start_time_us == 0;
}
