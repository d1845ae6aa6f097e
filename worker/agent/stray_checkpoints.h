/*
 * What workers other than worker 0 write to their checkpoint directory: nobody stores it, and the program may
 * not know. Said once, in the log and in the report.
 */
#ifndef AGENT_STRAY_CHECKPOINTS_H
#define AGENT_STRAY_CHECKPOINTS_H

#include <stdbool.h>

#include "agent/report_writer.h"

/* Looks whether there is anything; *has_said remembers that it was said. */
void stray_checkpoints_look(struct report_writer *report, bool *has_said);

#endif
