/*
 * What is found out about the places that a worker writes to before it asks for keys: that it may write
 * there, and that no newer worker does. Blocking; runs on the work thread.
 */
#ifndef AGENT_DESTINATIONS_H
#define AGENT_DESTINATIONS_H

#include "agentapi/assignment.h"
#include "seal/head.h"

/* OUTPUT_DENIED, OUTPUT_NOT_FOUND, and those of gcp/call.h. */
int destinations_check(const struct assignment *assignment, const struct gcp_config *gcp,
                       struct err *e) MUST_CHECK;
/* HEAD of the checkpoints; zeroed when the job has none. SUPERSEDED when this worker was replaced. The caller
 * frees *ret. */
int destinations_read_head(const struct assignment *assignment, const struct gcp_config *gcp,
                           struct head *ret, struct err *e) MUST_CHECK;

#endif
