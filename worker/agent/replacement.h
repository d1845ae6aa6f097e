/*
 * Whether this pod was replaced: HEAD may say so, which anybody who can write to the
 * bucket can forge, so the operator is asked. Blocking; runs on the work thread.
 */
#ifndef AGENT_REPLACEMENT_H
#define AGENT_REPLACEMENT_H

#include "agent/report_writer.h"

/*
 * Posts the report and looks at the answer. True when the operator says that this pod is no worker of its
 * job's current attempt (REPORT_STATUS_REPLACED). False when it is one, and when there is no answer within
 * about 15 seconds: the operator is away, accepts no reports, or refuses this one for another reason.
 */
bool replacement_is_confirmed(const struct assignment *assignment, struct report_writer *report) MUST_CHECK;

#endif
