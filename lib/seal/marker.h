/*
 * A small object that shows that a place can be written to, before keys are opened and hours are spent:
 * "writable", beside what will be stored there. It holds nothing and stays.
 */
#ifndef SEAL_MARKER_H
#define SEAL_MARKER_H

#include "seal/context.h"

/* The context's keys are not used. OUTPUT_DENIED, OUTPUT_NOT_FOUND (there is no such bucket), and those of
 * gcp/call.h. */
int seal_mark(const struct seal_context *c, struct err *e) MUST_CHECK;

#endif
