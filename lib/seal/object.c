#include "seal/object.h"

#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

void seal_item_fini(struct seal_item *item)
{
    gcs_object_fini(&item->object);
    free(item->associated_data);
    *item = (struct seal_item){.path = NULL};
}

void seal_item_check_hint(struct seal_item *item, const char *associated_data)
{
    if (item->object.sealed_name == NULL || strcmp(item->object.sealed_name, associated_data) != 0)
        return;
    free(item->object.sealed_name);
    item->object.sealed_name = NULL;
}

bool seal_path_is_safe(const char *path)
{
    struct view rest = view_from(path);
    if (rest.len == 0 || rest.len > 1024 || view_has_suffix(rest, "/"))
        return false;
    while (rest.len > 0) {
        struct view part = view_cut(rest, '/', &rest);
        if (part.len == 0 || part.len > 255 || view_equal_text(part, ".") || view_equal_text(part, ".."))
            return false;
    }
    return true;
}
