/*
 * The directories of checkpoints of the pods: real files, which the program's acts change, and what is known
 * of each. Implements worker/agent/watcher.h: an agent hears of each act.
 */
#ifndef TESTS_SIM_CHECKPOINT_DISK_H
#define TESTS_SIM_CHECKPOINT_DISK_H

#include "world.h"

/* Once per process: where directories can be made; they are removed at the end. */
bool disk_begin(void);
void disk_end(void);

void disk_make(struct pod *pod);
void disk_remove(struct pod *pod);
void disk_act(struct pod *pod, const struct act *a);
/* The kernel closes what a killed program held open. */
void disk_close_all(struct pod *pod);
/* What was closed is complete, as the program ended with 0. */
void disk_declare_all(struct pod *pod);
/* The whole content at that path; -1: there is none, or it is being written. */
int disk_content(const struct pod *pod, const char *path);

#endif
