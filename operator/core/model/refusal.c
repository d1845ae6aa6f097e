#include "core/model/refusal.h"

#include <string.h>

#include "base/view.h"

#include "base/banned.h"

int32_t refusal_attempt(const char *object)
{
    const char *dash = strrchr(object, '-');
    uint64_t n = 0;
    bool is_pod = strncmp(object, "pod ", strlen("pod ")) == 0;
    return is_pod && dash != NULL && view_to_u64(view_from(dash + 1), &n) && n <= INT32_MAX ? (int32_t)n : 0;
}

bool refusal_is_of_quota(const struct refusal *r)
{
    return strstr(r->message, "exceeded quota") != NULL;
}

const struct refusal *refusal_of_attempt(const struct refusal *r, int32_t attempt)
{
    int32_t refused = refusal_attempt(r->object);
    return *r->object != '\0' && (refused == 0 || refused == attempt) ? r : NULL;
}
