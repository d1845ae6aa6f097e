/*
 * What is found out about the places that a worker writes to before it asks for keys: that it may write
 * there, and that it was not replaced. Blocking; runs on the work thread.
 */
#ifndef AGENT_DESTINATIONS_H
#define AGENT_DESTINATIONS_H

#include "agent/report_writer.h"
#include "seal/head.h"

/* OUTPUT_DENIED, OUTPUT_NOT_FOUND, and those of gcp/call.h. */
int destinations_check(const struct assignment *assignment, const struct gcp_config *gcp,
                       struct err *e) MUST_CHECK;
/* HEAD of the checkpoints; zeroed when the job has none. SUPERSEDED when HEAD says that this worker was
 * replaced and the operator confirms it; otherwise the keys must show whether HEAD is true
 * (agent/restore.h). The caller frees *ret. */
int destinations_read_head(const struct assignment *assignment, const struct gcp_config *gcp,
                           struct report_writer *report, struct head *ret, struct err *e) MUST_CHECK;

#endif
