/*
 * The layout of a worker pod: shared by the operator, which renders it, and by the
 * agent and cloister-exec, which run in it. Paths, ports, variables, commands and
 * exit codes. Constants only: cloister-exec includes this and links nothing.
 */
#ifndef AGENTAPI_POD_H
#define AGENTAPI_POD_H

/* ---- volumes ---- */

/* cloister-exec, put there by the container cloister-install. */
#define POD_BIN  "/cloister/bin"
#define POD_EXEC POD_BIN "/cloister-exec"

/* Files by which the containers of a pod find each other. */
#define POD_RUN           "/cloister/run"
#define POD_SOCKET        POD_RUN "/agent.sock" /* agentapi/gate_protocol.h */
#define POD_READY_FILE    POD_RUN "/ready"      /* there once the inputs are staged */
#define POD_PROGRESS_FILE POD_RUN "/progress"   /* the program's lines of progress */
/* What clients of Kubeflow Trainer need to post progress. */
#define POD_KUBEFLOW       POD_RUN "/kubeflow"
#define POD_KUBEFLOW_TOKEN POD_KUBEFLOW "/token"
#define POD_KUBEFLOW_CA    POD_KUBEFLOW "/ca.crt"

/* The folders of the memory volumes that program and agent share, below POD_IN and POD_OUT. */
#define FOLDER_INPUTS      "inputs"
#define FOLDER_RESTORE     "restore"
#define FOLDER_CHECKPOINTS "checkpoints"
#define FOLDER_OUTPUT      "output"

/* As the agent sees them: whole volumes. */
#define POD_IN              "/cloister/in"
#define POD_IN_INPUTS       POD_IN "/" FOLDER_INPUTS
#define POD_IN_RESTORE      POD_IN "/" FOLDER_RESTORE
#define POD_OUT             "/cloister/out"
#define POD_OUT_CHECKPOINTS POD_OUT "/" FOLDER_CHECKPOINTS
#define POD_OUT_OUTPUT      POD_OUT "/" FOLDER_OUTPUT

/* As the program sees them. */
#define TRAINER_INPUTS      "/cloister/" FOLDER_INPUTS
#define TRAINER_RESTORE     "/cloister/" FOLDER_RESTORE
#define TRAINER_CHECKPOINTS "/cloister/" FOLDER_CHECKPOINTS
#define TRAINER_OUTPUT      "/cloister/" FOLDER_OUTPUT
#define TRAINER_HOME        "/cloister/home"

/* The token by which the operator knows the agent's reports. */
#define POD_REPORT_TOKEN      "/var/run/secrets/cloister"
#define POD_REPORT_TOKEN_FILE "token"

/* Kubernetes' default terminationMessagePath: the agent's holds its report. */
#define POD_TERMINATION_MESSAGE "/dev/termination-log"

/* ---- ports and paths of URLs ---- */

/* The agent's metrics. */
#define PORT_AGENT_METRICS 19090
/* On loopback: where the program posts its progress. */
#define PORT_AGENT_PROGRESS 19091
/* Where clients of Kubeflow Trainer post progress there; namespace and name of the job. */
#define PROGRESS_PATH_FORMAT "/apis/trainer.kubeflow.org/v1alpha1/namespaces/%s/trainjobs/%s/status"
/* Where agents post reports, below the operator's URL. */
#define REPORT_PATH "/v1/report"
/* The answer to a report of a pod that is no worker of its job's current attempt (any more). Every other one
 * leaves that open, but for 200. */
#define REPORT_STATUS_REPLACED 410

/* ---- environment of the agent ---- */

#define ENV_ASSIGNMENT "CLOISTER_ASSIGNMENT" /* agentapi/assignment.h */
#define ENV_POD_UID    "POD_UID"             /* of the pod itself, by the downward API */

/* ---- commands ---- */

#define WORKER_INSTALL "install"
#define WORKER_SERVE   "serve"
#define WORKER_READY   "ready"

#define EXEC_GRACE_SECONDS   "--grace-seconds"
#define EXEC_RESERVE_SECONDS "--reserve-seconds"
#define EXEC_SOCKET          "--socket"
#define EXEC_DISCARD_OUTPUT  "--discard-output"

/*
 * ---- exit codes of cloister-exec, where they are not the program's own ----
 *
 * As timeout(1), env(1) and the shell have them, but for EXIT_NO_AGENT: programs are started by timeout(1),
 * whose 124 says that the time is over.
 */
enum {
    EXIT_NO_AGENT = 122,       /* the agent did not answer for GATE_PATIENCE_MS */
    EXIT_AGENT_FAILED = 125,   /* the agent said FAIL */
    EXIT_NOT_EXECUTABLE = 126, /* the command, or cloister-exec's own set-up */
    EXIT_NOT_FOUND = 127,
    EXIT_SIGNALLED = 128, /* plus the signal's number */
};

#endif
