/*
 * What truly happened: which contents files had, what was declared, and what agents have committed. The laws
 * (laws.h) compare it with what comes back.
 */
#ifndef TESTS_SIM_CHECKPOINT_HISTORY_H
#define TESTS_SIM_CHECKPOINT_HISTORY_H

#include "agent.h"

/* ---- files ---- */
/* A content that begins to be written; before: what an append adds to; -1: nothing. */
int history_new_content(int attempt, const struct act *a, int before);
void history_content_moved(int content, const char *path);
void history_content_is_gone(int content);
/* An act declares the file or the directory. */
void history_declare(const struct pod *pod, const char *path);
/* The same for a move that declares only what was complete before. */
void history_declare_known(const struct pod *pod, const char *path);
void history_declare_everything(const struct pod *pod);

/* ---- the store ---- */
void history_head_was_read(struct agent *a);
void history_head_was_moved(struct agent *a);
/* The commit of that manifest; -1: no agent has moved HEAD to it. */
int history_find(const struct manifest_ref *at);
/* Less than 0, 0 or more than 0: the one is older than the other in lineage, the same, or newer; -1 is older
 * than all. */
int history_compare(int commit, int other);
/* The item of that path; NULL: there is none. */
const struct item *history_item(const struct commit *c, const char *path);

#endif
