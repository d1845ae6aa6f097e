#include "core/verdict/start_failure.h"

#include <string.h>

#include "api/labels.h"
#include "api/reasons.h"

#include "base/banned.h"

/* A container that cannot start fails the attempt after this long. */
#define START_TIMEOUT_US (INT64_C(600) * 1000000)

/* Our reason for a container that waits because it cannot start; NULL = it does not. */
static const char *start_failure_reason(const char *name, const struct container_facts *c)
{
    /* What is the job author's mistake in the program's container cannot be one in Cloister's own. */
    static const struct {
        const char *theirs;
        const char *of_program;
        const char *of_cloister;
    } words[] = {
        {"InvalidImageName", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"ErrImageNeverPull", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"ErrImagePull", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"ImagePullBackOff", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"ImageInspectError", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"RegistryUnavailable", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"SignatureValidationFailed", REASON_ImageUnavailable, REASON_ImageUnavailable},
        {"CreateContainerConfigError", REASON_ContainerConfigInvalid, REASON_AgentStartFailed},
        {"CreateContainerError", REASON_ContainerStartFailed, REASON_AgentStartFailed},
        {"RunContainerError", REASON_ContainerStartFailed, REASON_AgentStartFailed},
    };
    bool is_program = strcmp(name, CONTAINER_TRAINER) == 0;
    for (size_t i = 0; i < ARRAY_LEN(words) && c->state == CONTAINER_WAITING; i++)
        if (strcmp(words[i].theirs, c->reason) == 0)
            return is_program ? words[i].of_program : words[i].of_cloister;
    return NULL;
}

/* While it backs off, the kubelet puts "Back-off pulling image ...: " in front of the error. */
static const char *detail_of(const struct container_facts *c)
{
    static const char pull[] = "ErrImagePull: ";
    const char *at = strstr(c->message, pull);
    return at != NULL ? at + strlen(pull) : c->message;
}

size_t start_failures_of_pod(const struct pod_facts *p, struct start_failure ret[POD_CONTAINERS])
{
    const struct container_facts *const all[POD_CONTAINERS] = {&p->install, &p->agent, &p->trainer};
    static const char *const names[POD_CONTAINERS] = {CONTAINER_INSTALL, CONTAINER_AGENT, CONTAINER_TRAINER};
    size_t count = 0;
    for (size_t i = 0; i < POD_CONTAINERS; i++) {
        const char *reason = start_failure_reason(names[i], all[i]);
        if (reason != NULL)
            ret[count++] =
                (struct start_failure){.container = names[i],
                                       .facts = all[i],
                                       .reason = reason,
                                       .detail = detail_of(all[i]),
                                       .is_final = strcmp(all[i]->reason, "InvalidImageName") == 0};
    }
    return count;
}

int64_t start_deadline_us(const struct pod_facts *p)
{
    int64_t since_us = p->started_us != 0 ? p->started_us : p->created_us;
    /* An agent may be restarted hours after its pod started. */
    if (p->agent.finished_us > since_us)
        since_us = p->agent.finished_us;
    return since_us + START_TIMEOUT_US;
}
