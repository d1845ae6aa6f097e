/*
 * What the API server refused, and what it means for the attempt that asked.
 */
#ifndef MODEL_REFUSAL_H
#define MODEL_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

/* What the API server answered to the last create that it refused; kept by the shell, in memory only. */
struct refusal {
    const char *object; /* "pod digits-worker-0-1"; "" = nothing was refused since the last success */
    const char *message;
    int64_t at_us;
    int32_t count; /* refusals in a row */
    bool is_told;  /* a status that tells of it was written */
};

/* Of "pod digits-worker-0-1" the attempt, 1; 0 = of another object. */
int32_t refusal_attempt(const char *object);
/* A ResourceQuota has no room for it. */
bool refusal_is_of_quota(const struct refusal *r);
/* NULL when nothing was refused, or only a worker of another attempt than that. */
const struct refusal *refusal_of_attempt(const struct refusal *r, int32_t attempt);

#endif
