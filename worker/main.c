/*
 * cloister-worker: the parts of Cloister inside a worker pod.
 *
 *   cloister-worker install   copy cloister-exec into the pod (init container)
 *   cloister-worker serve     the agent (native sidecar)
 *   cloister-worker ready     succeed once the inputs are staged (readiness probe)
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agentapi/pod.h"
#include "base/secret.h"
#include "data/js.h"
#include "install.h"
#include "net/http.h"
#include "os/log.h"

#include "base/banned.h"

#define EXEC_SOURCE "/usr/bin/cloister-exec"

static int serve(struct err *e)
{
    umask(0077);
    js_wipe_on_free();
    if (secret_wipe_openssl(e) < 0 || secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    log_setup(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    return agent_serve(e);
}

static int ready(struct err *e)
{
    return access(POD_READY_FILE, F_OK) == 0 ? 0 : FAIL(e, ERR_UNAVAILABLE, "the inputs are not staged yet");
}

int main(int argc, char **argv)
{
    struct err e CLEANUP(err_fini) = {0};
    const char *verb = argc == 2 ? argv[1] : "";
    int result;
    if (strcmp(verb, WORKER_SERVE) == 0)
        result = serve(&e);
    else if (strcmp(verb, WORKER_INSTALL) == 0)
        result = install_exec(EXEC_SOURCE, POD_EXEC, &e);
    else if (strcmp(verb, WORKER_READY) == 0)
        result = ready(&e);
    else if (strcmp(verb, "--version") == 0)
        return puts("cloister-worker " CLOISTER_VERSION) < 0;
    else {
        fputs("usage: cloister-worker install|serve|ready|--version\n", stderr);
        return 2;
    }
    if (result < 0)
        log_failure(LOG_LEVEL_ERROR, &e, "cloister-worker failed", NULL);
    return result < 0;
}
