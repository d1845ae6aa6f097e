/* Containers that wait because of trouble, as a kubelet tells of them. */
#include "core/verdict/trouble.h"

#include <string.h>

#include "api/labels.h"
#include "api/reasons.h"

#include "base/banned.h"

/* A container that cannot start is given this long. */
#define PATIENCE_US (INT64_C(600) * 1000000)

const char *trouble_of_container(const char *name, const struct container_facts *c, bool *ret_is_final)
{
    /* What the job's author says of the program cannot be wrong about Cloister's own containers. */
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
    *ret_is_final = strcmp(c->reason, "InvalidImageName") == 0;
    for (size_t i = 0; i < ARRAY_LEN(words) && c->state == CONTAINER_WAITING; i++)
        if (strcmp(words[i].theirs, c->reason) == 0)
            return is_program ? words[i].of_program : words[i].of_cloister;
    return NULL;
}

const char *trouble_detail(const struct container_facts *c)
{
    static const char pull[] = "ErrImagePull: ";
    const char *at = strstr(c->message, pull);
    return at != NULL ? at + strlen(pull) : c->message;
}

int64_t trouble_until(const struct pod_facts *p)
{
    int64_t since_us = p->started_us ? p->started_us : p->created_us;
    /* The agent is one that is started again, after hours maybe. */
    if (p->agent.finished_us > since_us)
        since_us = p->agent.finished_us;
    return since_us + PATIENCE_US;
}
