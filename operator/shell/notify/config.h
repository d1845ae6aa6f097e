/*
 * Where notifications go: what the chart's values say, read from one JSON file.
 *
 *     {"source": "//example.com/cluster",
 *      "clusterRanges": ["10.0.0.0/8"],
 *      "targets": {
 *          "ops": {"webhook": {"url": "https://...", "caBundle": "PEM", "authorizationFile": "/..."}},
 *          "audit": {"pubsub": {"topic": "projects/P/topics/T"}}}}
 *
 * Unknown members, values of another type, targets that are neither or both, and webhooks without https
 * are ERR_INVALID with the place in the file. Owns what it read.
 */
#ifndef NOTIFY_CONFIG_H
#define NOTIFY_CONFIG_H

#include <jansson.h>

#include "base/err.h"
#include "net/ranges.h"

struct notify_target {
    const char *name;
    const char *url;                /* of a webhook; NULL: Pub/Sub */
    const char *ca_bundle;          /* PEM trusted for it, "" = the system's */
    const char *authorization_file; /* holds the value of the header Authorization; "" = none is sent */
    const char *topic;              /* "projects/P/topics/T"; NULL: a webhook */
};

struct notify_config {
    const char *source; /* of the events: a URI reference */
    struct notify_target *targets;
    const char **names; /* of the targets, for plan() */
    size_t count;
    struct address_ranges refused; /* addresses that no target may have */
    json_t *tree;                  /* what the texts point into */
};

/* path "" or NULL: no targets. allows_loopback: for tests, whose targets are on this machine. */
int notify_config_read(struct notify_config *c, const char *path, bool allows_loopback,
                       struct err *e) MUST_CHECK;
void notify_config_fini(struct notify_config *c);

#endif
