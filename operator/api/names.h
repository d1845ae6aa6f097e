/*
 * Deterministic names of children. A job's name has at most 40 characters
 * (refused by the API server otherwise), so host names stay below 63 and every
 * name fits into NAME_SIZE. Nothing here fails.
 */
#ifndef API_NAMES_H
#define API_NAMES_H

#include <stdint.h>

/* The worker that publishes the output, and the rendezvous of the others. */
#define COORDINATOR_INDEX 0

#define JOB_NAME_MAX    40
#define VOLUME_NAME_MAX 50
#define NAME_SIZE       96
#define UID8_SIZE       9

/* "digits-workers": the headless Service, and the subdomain of every worker. */
void name_service(const char *job, char out[NAME_SIZE]);
/* "digits-workers-1a2b3c4d": the NetworkPolicy, which may outlive the job and so must not share its name with
 * that of the next job. */
void name_policy(const char *job, const char *uid, char out[NAME_SIZE]);
/* "digits-worker-0": the host name, the same in all attempts. */
void name_host(const char *job, int32_t index, char out[NAME_SIZE]);
/* "digits-worker-0-1": index, then attempt. */
void name_pod(const char *job, int32_t index, int32_t attempt, char out[NAME_SIZE]);
/* "digits-1a2b3c4d-1": the Kueue pod group that starts with that attempt. */
void name_group(const char *job, const char *uid, int32_t attempt, char out[NAME_SIZE]);
/* "job-config": a volume of the user, prefixed so that it cannot clash with one of Cloister's. */
void name_volume(const char *volume, char out[NAME_SIZE]);
/* The first eight characters of a uid, as used in object names. */
void name_uid8(const char *uid, char out[UID8_SIZE]);

#endif
