/* What goes wrong at which call of the store. */
#ifndef TESTS_SIM_CHECKPOINT_TROUBLES_H
#define TESTS_SIM_CHECKPOINT_TROUBLES_H

#include "agent.h"

enum call_kind { CALL_STAT, CALL_READ, CALL_READ_SMALL, CALL_WRITE };

const char *trouble_name(enum trouble kind);
/* Whether that can happen to such a call. */
bool trouble_fits(enum trouble kind, enum call_kind call, bool is_of_head);
/* Before the effect of a call: what befalls it now. The call fails when *e is set. */
enum trouble trouble_before(struct agent *a, enum call_kind call, const char *object, struct err *e);
/* After the effect. */
void trouble_after(struct agent *a, enum trouble kind, struct err *e);
/* The kinds of the calls of this run, for who looks for further troubles. */
enum call_kind call_kind_of(int call);
bool call_is_of_head(int call);

#endif
