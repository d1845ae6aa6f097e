/*
 * Sources of a kube_config: kubeconfig files and credential plugins. Internal to lib/kube.
 */
#ifndef KUBE_KUBE_CONFIG_INT_H
#define KUBE_KUBE_CONFIG_INT_H

#include "kube/kube_config.h"

enum {
    KUBECONFIG_FILES_MAX = 16,
    KUBECONFIG_KEY_MAX = 8 * 1024 - 1, /* locked memory is scarce and allocated in powers of two */
};

/* Parsed files, in the order of $KUBECONFIG. */
struct kubeconfig_files {
    struct kubeconfig_file {
        json_t *tree;
        char *directory; /* base of relative paths */
    } file[KUBECONFIG_FILES_MAX];
    size_t count;
};

/* The user's files, named instead of contained; NULL: none. The caller frees them. */
struct kubeconfig_references {
    char *certificate, *key;
};

/*
 * Fills *c from the context called `wanted`; NULL: the current one. Pure: files that are named are only
 * noted, those of the user in *ret, that of the cluster's roots in c->ca_file. ERR_NOT_FOUND without the
 * context or what it names.
 */
int kubeconfig_decode(struct kube_config *c, const struct kubeconfig_files *f, const char *wanted,
                      struct kubeconfig_references *ret, struct err *e) MUST_CHECK;
/* Fills *c from the files in `paths`, separated by colons; missing ones are skipped unless `must_exist`. */
int kubeconfig_read(struct kube_config *c, const char *paths, bool must_exist, const char *context,
                    struct err *e) MUST_CHECK;
/* Runs c->plugin; sets the token or the client certificate, and token_until_ms. */
int exec_credential(struct kube_config *c, struct err *e) MUST_CHECK;

#endif
