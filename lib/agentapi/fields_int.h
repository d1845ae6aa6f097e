/*
 * The tables of fields, for the tests: a member of a struct that has no row is
 * one that the other side would never see.
 */
#ifndef AGENTAPI_FIELDS_INT_H
#define AGENTAPI_FIELDS_INT_H

#include "data/field.h"

enum { ASSIGNMENT_FIELDS = 28, ASSIGNMENT_KEY_FIELDS = 3, ASSIGNMENT_INPUT_FIELDS = 4, REPORT_FIELDS = 23 };

extern const struct field assignment_fields[ASSIGNMENT_FIELDS];
extern const struct field assignment_key_fields[ASSIGNMENT_KEY_FIELDS];
extern const struct field assignment_input_fields[ASSIGNMENT_INPUT_FIELDS];
extern const struct field report_fields[REPORT_FIELDS];

#endif
