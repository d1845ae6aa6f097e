/*
 * How to reach an API server and as whom: kubeconfig files or the service
 * account of a pod. For the operator (on a loop) and the kubectl plugin (blocking).
 *
 * The config is one heap object with a fixed address, since `tls` points into it;
 * it must outlive every client that uses it. Making it reads files;
 * kube_config_bearer may read the token file and that of the trusted certificates
 * again (at most once a minute), so that both may be exchanged, and may run the credential plugin that the
 * kubeconfig names, which blocks for as long as the plugin takes (at most a minute): meant for people's
 * machines, not for pods.
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
    KUBE_TOKEN_NONE,   /* a client certificate, or nobody */
    KUBE_TOKEN_FIXED,  /* written in the kubeconfig */
    KUBE_TOKEN_FILE,   /* read again as it rotates */
    KUBE_TOKEN_PLUGIN, /* exec credential plugin */
};

struct kube_config {
    char *server;            /* "https://10.0.0.1:443", without a slash at the end */
    char *default_namespace; /* of the context, or of the pod; "default" otherwise */
    struct http_tls tls;     /* who is trusted and our certificate; borrows from below */

    /* What `tls` points to, and the state behind kube_config_bearer. */
    char *ca_pem, *client_cert_pem, *server_name;
    char *ca_file;       /* from which ca_pem was read, or NULL */
    int64_t ca_until_ms; /* boot clock: when to read it again */
    struct secret client_key;
    enum kube_token_source source;
    struct secret token;
    char *token_file;
    json_t *plugin;         /* the kubeconfig's `exec` */
    char *plugin_directory; /* what a relative command is relative to */
    int64_t token_until_ms; /* boot clock: when to ask for the token again */
    int64_t token_asked_ms; /* boot clock: when it was asked for last */
};

/*
 * kubeconfig: a path, or NULL: the files in $KUBECONFIG, else ~/.kube/config when there is one, else the
 * service account of this pod. context: NULL = the file's current context. NULL with *e set on failure.
 */
struct kube_config *kube_config_new(const char *kubeconfig, const char *context, struct err *e) MUST_CHECK;
void kube_config_free(struct kube_config *c); /* NULL is fine */
void cleanup_kube_config(struct kube_config **c);

/* The token to send now, borrowed until the next call; *ret is NULL when no token is used. */
int kube_config_bearer(struct kube_config *c, const struct secret **ret, struct err *e) MUST_CHECK;
/* The server answered 401: ask for a new token before the next request. */
void kube_config_forget_token(struct kube_config *c);

#endif
