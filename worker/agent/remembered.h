/*
 * What this attempt had committed before its agent was restarted, and what is still in the volume as it was:
 * it need not be stored again, and stays declared.
 */
#ifndef AGENT_REMEMBERED_H
#define AGENT_REMEMBERED_H

#include "seal/manifest.h"
#include "volume/volume.h"

/* newest: the newest snapshot; attempt: our own. directory_fd: of the checkpoints. After the changes that
 * were found in the directory are known to the volume. */
void remember_committed(struct volume *v, int directory_fd, const struct manifest *newest, int64_t attempt);

#endif
