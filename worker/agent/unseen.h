/*
 * Changes of the checkpoint directory that the kernel tells nobody of.
 *
 * A program may write through a mapping of the file, truncate it by its name (truncate(2)), or give a name to
 * a file that it has open (O_TMPFILE). One process may close a file while another one still has it open.
 * Nothing fails. One thread.
 */
#ifndef AGENT_UNSEEN_H
#define AGENT_UNSEEN_H

#include "volume/commits.h"

/* Whether a file that was closed, with or without being written to, holds something else than what is stored
 * of it. */
bool unseen_is_written(const struct volume *v, int directory_fd, const char *path);
/* Tells the volume of files that it takes for open although nobody has them open. */
void unseen_find_closed(struct volume *v, int directory_fd, int64_t now_ms);

#endif
