/*
 * Containers that wait because of trouble, as a kubelet tells of them.
 */
#ifndef VERDICT_TROUBLE_H
#define VERDICT_TROUBLE_H

#include "core/model/pod_facts.h"

/* The word of our own for a container of that name that waits because of trouble, or NULL. *ret_is_final: it
 * never gets better. */
const char *trouble_of_container(const char *name, const struct container_facts *c, bool *ret_is_final);

/* What is the matter, the same while a kubelet tries, waits ("Back-off pulling ...: ErrImagePull: ...") and
 * tries again. */
const char *trouble_detail(const struct container_facts *c);

/* Until then a container of that pod that cannot start may yet do so. */
int64_t trouble_until(const struct pod_facts *p);

#endif
