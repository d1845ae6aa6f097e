/*
 * The targets of notifications, as the chart's values define them, read from one JSON file.
 *
 *     {"source": "//example.com/cluster",
 *      "clusterRanges": ["10.0.0.0/8"],
 *      "targets": {
 *          "ops": {"webhook": {"url": "https://...", "caBundle": "PEM", "authorizationFile": "/..."}},
 *          "audit": {"pubsub": {"topic": "projects/P/topics/T"}}}}
 *
 * ERR_INVALID with the place in the file: unknown fields, values of the wrong type, targets that are not
 * exactly one of webhook and pubsub, and webhooks without https. Owns what it has read.
 */
#ifndef NOTIFY_NOTIFY_CONFIG_H
#define NOTIFY_NOTIFY_CONFIG_H

#include <jansson.h>

#include "base/err.h"
#include "net/ranges.h"

struct notify_target {
    const char *name;
    const char *url;                /* of a webhook; NULL for Pub/Sub */
    const char *ca_bundle;          /* PEM of the CAs to trust; "" = those of the system */
    const char *authorization_file; /* contains the value of the Authorization header; "" = none is sent */
    const char *topic;              /* "projects/P/topics/T"; NULL for a webhook */
};

struct notify_config {
    const char *source; /* the source of the CloudEvents: a URI reference */
    struct notify_target *targets;
    const char **names; /* of the targets, for plan() */
    size_t count;
    struct address_ranges refused; /* addresses that no target may resolve to */
    json_t *tree;                  /* what the texts point into */
};

/* path "" or NULL: no targets. allows_loopback: for tests with targets on this machine. */
int notify_config_read(struct notify_config *c, const char *path, bool allows_loopback,
                       struct err *e) MUST_CHECK;
void notify_config_fini(struct notify_config *c);

#endif
