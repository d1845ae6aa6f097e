/*
 * What this attempt had committed before its agent was restarted, and what is still in the volume as it was:
 * it need not be stored again, and stays declared.
 */
#ifndef AGENT_REMEMBERED_H
#define AGENT_REMEMBERED_H

#include "seal/manifest.h"
#include "volume/volume.h"

/*
 * newest: the newest snapshot; attempt: our own. directory_fd: of the checkpoints. After the changes that
 * were found in the directory are known to the volume. What the volume knows from now on is taken out of
 * *newest, and so is what is gone: the program has deleted it, or the agent has freed it, which it does only
 * with what has enough newer successors to leave the snapshots.
 */
void remember_committed(struct volume *v, int directory_fd, struct manifest *newest, int64_t attempt);

#endif
