/* What must hold of every commit, of what is restored, and at each end. */
#ifndef TESTS_SIM_CHECKPOINT_LAWS_H
#define TESTS_SIM_CHECKPOINT_LAWS_H

#include "agent.h"
#include "seal/set.h"

/* HEAD has been moved to that commit. */
void laws_of_commit(struct agent *a, int commit);
/* It has found that snapshot; at->name NULL: none. */
void laws_of_finding(struct agent *a, const struct manifest_ref *at);
/* The text was restored to that path. */
void law_of_restored_file(const struct agent *a, const char *path, const char *text);
void laws_of_restored(const struct agent *a, size_t files);
/* Its code has ended: with a.end. */
void laws_of_the_end(const struct agent *a);
/* The operator makes no further attempt. */
void laws_of_the_job(void);

#endif
