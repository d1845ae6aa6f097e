/*
 * The parts of an operator. Internal to tests/sim/operator*.c.
 */
#ifndef TESTS_SIM_OPERATOR_H
#define TESTS_SIM_OPERATOR_H

#include "sim.h"

/* ---- operator.c ---- */
/* Something changed: a reconcile is due. */
void operator_enqueue(struct oper *o);
void operator_crash(struct oper *o);
/* The NULL or the law that is broken, as of all steps. */
const char *operator_pass(const struct state *s, struct oper *o);
/* What is left of its writes is given up. */
void operator_end_reconcile(struct oper *o);
/* All is done, or there was nothing to do: what the plan knew of is decided. */
void operator_complete_pass(struct oper *o);

/* ---- operator_watch.c, operator_writes.c: the steps of that kind ---- */
void operator_watch_step(const struct state *s, struct oper *o, struct choice c);
const char *operator_write_step(struct state *s, struct oper *o, struct choice c);

#endif
