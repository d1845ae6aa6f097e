/*
 * The job's output: what the trainer left in its volume, published at the end.
 * Blocking. Nothing refers to the objects of a publication that dies half-way.
 */
#ifndef AGENT_OUTPUT_H
#define AGENT_OUTPUT_H

#include "agent/keyring.h"
#include "agent/report_writer.h"

/* Publishes the directory and puts it into the report. Errors are those of seal/publish.h. */
int output_publish(const struct assignment *assignment, const struct keyring *keys,
                   struct report_writer *report, struct err *e) MUST_CHECK;

#endif
