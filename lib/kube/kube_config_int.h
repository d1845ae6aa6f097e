/*
 * Sources of a kube_config: kubeconfig files and credential plugins. Internal to lib/kube.
 */
#ifndef KUBE_KUBE_CONFIG_INT_H
#define KUBE_KUBE_CONFIG_INT_H

#include "kube/kube_config.h"

/* Fills *c from the files in `paths`, separated by colons; missing ones are skipped unless `must_exist`. */
int kubeconfig_read(struct kube_config *c, const char *paths, bool must_exist, const char *context,
                    struct err *e) MUST_CHECK;
/* Runs c->plugin; sets the token or the client certificate, and token_until_ms. */
int exec_credential(struct kube_config *c, struct err *e) MUST_CHECK;

#endif
