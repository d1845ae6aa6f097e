/* What must hold of every commit, and at the end. The first law that is broken is kept in the run. */
#ifndef TESTS_SIM_VOLUME_LAWS_H
#define TESTS_SIM_VOLUME_LAWS_H

#include "run.h"

/* What a version's object says of its content. NULL: nothing whole was there when it was read. */
void *object_of(const struct life *l);
void laws_of_commit(struct run *r, const struct listing *l);
void law_of_the_end(struct run *r);

#endif
