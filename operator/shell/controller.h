/*
 * The operator: caches, a queue of jobs, and passes over them. One object on one
 * loop; borrows loop, client and config. Nothing fails for the caller: what goes
 * wrong is logged and tried again.
 */
#ifndef SHELL_CONTROLLER_H
#define SHELL_CONTROLLER_H

#include "core/world.h"
#include "kube/client.h"

struct loop;
struct controller;

/* Starts at once. instance: the name to give in events. */
struct controller *controller_new(struct loop *loop, struct kube_client *client, const struct config *config,
                                  const char *instance) MUST_CHECK RETURNS_NONNULL;
/* Gives up what is on its way; what was sent may still be carried out, as after a crash. NULL is fine. */
void controller_free(struct controller *c);
/* Every cache was filled once. */
bool controller_is_ready(const struct controller *c);

#endif
