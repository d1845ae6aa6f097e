#include "api/names.h"

#include <stdio.h>

#include "base/banned.h"

void name_service(const char *job, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%.*s-workers", JOB_NAME_MAX, job);
}

void name_policy(const char *job, const char *uid, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%.*s-workers-%.8s", JOB_NAME_MAX, job, uid);
}

void name_host(const char *job, int32_t index, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%.*s-worker-%d", JOB_NAME_MAX, job, (int)index);
}

void name_pod(const char *job, int32_t index, int32_t attempt, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%.*s-worker-%d-%d", JOB_NAME_MAX, job, (int)index, (int)attempt);
}

void name_group(const char *job, const char *uid, int32_t attempt, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%.*s-%.8s-%d", JOB_NAME_MAX, job, uid, (int)attempt);
}

void name_volume(const char *volume, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "job-%.*s", VOLUME_NAME_MAX, volume);
}

void name_uid8(const char *uid, char out[UID8_SIZE])
{
    (void)snprintf(out, UID8_SIZE, "%.8s", uid);
}
