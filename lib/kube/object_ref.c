#include "kube/object_ref.h"

#include "data/skim.h"

#include "base/banned.h"

static void copy_text(struct view value, char out[OBJECT_REF_TEXT_SIZE])
{
    struct view text = skim_text(value);
    if (text.len >= OBJECT_REF_TEXT_SIZE)
        text.len = 0;
    skim_unescape(text, out);
}

void object_ref_read(struct view object, struct object_ref *ret)
{
    static const char *const names[] = {"namespace", "name", "resourceVersion"};
    struct view v[ARRAY_LEN(names)];
    skim_members(skim_at(object, "metadata"), names, ARRAY_LEN(names), v);
    copy_text(v[0], ret->ns);
    copy_text(v[1], ret->name);
    copy_text(v[2], ret->version);
}
