/*
 * The command line of cloister-operator, checked and turned into what core reads.
 *
 * Each flag may be set in the environment instead: --log-level is CLOISTER_LOG_LEVEL. The command line takes
 * precedence. Texts point into argv, the environment or the flags themselves; flags_fini frees what was read.
 * Every problem is ERR_INVALID (or the error of a file that cannot be read) and names the flag.
 */
#ifndef FLAGS_H
#define FLAGS_H

#include "core/model/world.h"
#include "kube/leader.h"
#include "os/log.h"
#include "shell/notify/notify_config.h"
#include "shell/reports/report_server.h"

struct flags {
    struct config config;
    const char *ns; /* whose jobs are run; "" = all namespaces */
    const char *health_address;
    const char *report_address; /* "" = agents do not report */
    struct report_files report_files;
    const char *metrics_address; /* "0" = none */
    const char *kubeconfig;
    const char *context;
    enum log_level log_level;
    const char *log_level_file; /* "" = none */
    bool is_help, is_version;
    /* Leader election. */
    bool must_be_elected;
    struct leader_config election;
    struct notify_config notifications;
    /* What config points to. */
    json_t *tolerations, *pull_secrets, *egress;
    char *ca_bundle, *instance;
};

/* argv without the name of the program. */
int flags_parse(struct flags *f, int argc, char **argv, struct err *e) MUST_CHECK;
void flags_fini(struct flags *f);
void flags_print_help(void);

#endif
