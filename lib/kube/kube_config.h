/*
 * The API server's address and the client's credentials, from kubeconfig files or from
 * the service account of a pod. For the operator and the kubectl plugin.
 *
 * The config is a heap object with a fixed address, because `tls` points into it. It
 * must outlive every client that uses it. kube_config_new reads files.
 * kube_config_bearer re-reads the token file and the CA file at most once a minute, so
 * that both can be rotated, and runs the kubeconfig's credential plugin when needed. The
 * latter blocks, for at most a minute, and is meant for users' machines, not for pods.
 */
#ifndef KUBE_KUBE_CONFIG_H
#define KUBE_KUBE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "net/http.h"

enum kube_token_source {
    KUBE_TOKEN_NONE,   /* a client certificate, or anonymous */
    KUBE_TOKEN_FIXED,  /* in the kubeconfig */
    KUBE_TOKEN_FILE,   /* re-read, because it is rotated */
    KUBE_TOKEN_PLUGIN, /* exec credential plugin */
};

struct kube_config {
    char *server;            /* "https://10.0.0.1:443", without a trailing slash */
    char *default_namespace; /* of the context or the pod; "default" when that has none */
    struct http_tls tls;     /* trusted roots and client certificate; borrows from the members below */

    /* What `tls` points to, and the state of kube_config_bearer. */
    char *ca_pem, *client_cert_pem, *server_name;
    char *ca_file;       /* the file of ca_pem, or NULL */
    int64_t ca_until_ms; /* boot clock: when to re-read it */
    struct secret client_key;
    enum kube_token_source source;
    struct secret token;
    char *token_file;
    json_t *plugin;         /* the kubeconfig's `exec` */
    char *plugin_directory; /* base of a relative command */
    int64_t token_until_ms; /* boot clock: when to renew the token */
    int64_t token_asked_ms; /* boot clock: when it was last renewed */
};

/*
 * kubeconfig is a path; NULL: the files in $KUBECONFIG, else ~/.kube/config if it exists, else the service
 * account of this pod. context is a name; NULL: the current context. NULL with *e set on failure.
 */
struct kube_config *kube_config_new(const char *kubeconfig, const char *context, struct err *e) MUST_CHECK;
void kube_config_free(struct kube_config *c); /* NULL is fine */
void cleanup_kube_config(struct kube_config **c);

/* The token to send now, borrowed until the next call; *ret is NULL when there is none. */
int kube_config_bearer(struct kube_config *c, const struct secret **ret, struct err *e) MUST_CHECK;
/* Call it after a 401: the token is renewed before the next request. */
void kube_config_forget_token(struct kube_config *c);

#endif
