#include "agent/named_path.h"

#include <stdlib.h>
#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/view.h"

#include "base/banned.h"

bool named_path_clean(const char *path, char **ret)
{
    struct view part, rest = view_from(path);
    if (view_has_prefix(rest, TRAINER_CHECKPOINTS "/"))
        rest = view_skip(rest, strlen(TRAINER_CHECKPOINTS));
    else if (*path == '/' && strcmp(path, TRAINER_CHECKPOINTS) != 0)
        return false;
    else if (*path == '/')
        rest.len = 0;
    char *clean = xstrdup("");
    while (rest.len > 0) {
        part = view_cut(rest, '/', &rest);
        if (view_equal_text(part, "..")) {
            free(clean);
            return false;
        }
        if (part.len == 0 || view_equal_text(part, "."))
            continue;
        char *longer = xasprintf("%s%s%.*s", clean, *clean != '\0' ? "/" : "", (int)part.len, part.ptr);
        free(clean);
        clean = longer;
    }
    *ret = clean;
    return true;
}
