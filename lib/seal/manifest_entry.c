#include "seal/manifest_entry.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/view.h"
#include "data/js.h"

#include "base/banned.h"

enum { HEADER_SHORT = 24, HEADER_LONG = 40, LINK_MAX = 1024 };

void manifest_entry_fini(struct manifest_entry *entry)
{
    char *texts[] = {entry->path, entry->link, entry->folder, entry->stored_path, entry->group};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    *entry = (struct manifest_entry){.path = NULL};
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

struct manifest_entry manifest_entry_copy(const struct manifest_entry *entry)
{
    struct manifest_entry to = *entry;
    to.path = copy(entry->path);
    to.link = copy(entry->link);
    to.folder = copy(entry->folder);
    to.stored_path = copy(entry->stored_path);
    to.group = copy(entry->group);
    return to;
}

static void set_text(json_t *line, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(line, key, json_string(text));
}

json_t *manifest_entry_encode(const struct manifest_entry *entry)
{
    json_t *line = json_pack("{s:s}", "path", entry->path);
    if (entry->link != NULL) {
        set_text(line, "link", entry->link);
    } else {
        char *header CLEANUP(cleanup_free) = base64_encode(entry->sealed.header, entry->sealed.header_bytes);
        json_object_set_new(line, "size", json_integer((json_int_t)entry->sealed.plain_bytes));
        json_object_set_new(line, "cipherSize", json_integer((json_int_t)entry->sealed.cipher_bytes));
        json_object_set_new(line, "header", json_string(header));
        json_object_set_new(line, "keyId", json_integer((json_int_t)entry->sealed.key_id));
        set_text(line, "folder", entry->folder);
        set_text(line, "storedPath", entry->stored_path);
    }
    set_text(line, "group", entry->group);
    if (entry->is_declared)
        json_object_set_new(line, "declared", json_true());
    if (entry->modified_ns != 0)
        json_object_set_new(line, "modified", json_integer((json_int_t)entry->modified_ns));
    if (entry->attempt != 0)
        json_object_set_new(line, "since",
                            json_pack("[I,I]", (json_int_t)entry->attempt, (json_int_t)entry->sequence));
    return line;
}

/* ---- reading ---- */
/* After a name, ".." would go up from wherever that name leads, if it is a link: "a/b" -> "..", then
 * "a/b/..". */
bool manifest_link_is_inside(const char *path, const char *target)
{
    int depth = 0;
    bool has_name = false;
    for (; *path != '\0'; path++)
        depth += *path == '/';
    if (*target == '/' || *target == '\0')
        return false;
    for (struct view rest = view_from(target); rest.len > 0;) {
        struct view part = view_cut(rest, '/', &rest);
        if (view_equal_text(part, "..")) {
            if (has_name || --depth < 0)
                return false;
        } else if (part.len > 0 && !view_equal_text(part, ".")) {
            has_name = true;
        }
    }
    return true;
}

static char *text_of(const json_t *line, const char *key)
{
    const char *text = js_text(line, key);
    return *text == '\0' ? NULL : xstrdup(text);
}

/* The whole directory may be one: "". */
static char *group_of(const json_t *line)
{
    const json_t *group = json_object_get(line, "group");
    return json_is_string(group) ? xstrdup(json_string_value(group)) : NULL;
}

static bool is_safe_or_absent(const char *path)
{
    return path == NULL || seal_path_is_safe(path);
}

static bool decode_sealed(const json_t *line, struct sealed *ret)
{
    int64_t size = js_int(line, "size", -1), cipher = js_int(line, "cipherSize", -1),
            key = js_int(line, "keyId", 0);
    size_t length = 0;
    if (size < 0 || cipher < 0 || key <= 0 || key > UINT32_MAX ||
        base64_decode(view_from(js_text(line, "header")), ret->header, sizeof(ret->header), &length) < 0 ||
        (length != HEADER_SHORT && length != HEADER_LONG) || ret->header[0] != length)
        return false;
    ret->plain_bytes = (uint64_t)size;
    ret->cipher_bytes = (uint64_t)cipher;
    ret->header_bytes = (uint32_t)length;
    ret->key_id = (uint32_t)key;
    return true;
}

bool manifest_entry_decode(const json_t *line, struct manifest_entry *ret)
{
    const json_t *since = json_object_get(line, "since");
    struct manifest_entry entry = {.path = xstrdup(js_text(line, "path")),
                                   .link = text_of(line, "link"),
                                   .folder = text_of(line, "folder"),
                                   .stored_path = text_of(line, "storedPath"),
                                   .group = group_of(line),
                                   .modified_ns = js_int(line, "modified", 0),
                                   .is_declared = json_is_true(json_object_get(line, "declared")),
                                   .attempt = json_integer_value(json_array_get(since, 0)),
                                   .sequence = json_integer_value(json_array_get(since, 1))};
    bool is_valid = seal_path_is_safe(entry.path) && is_safe_or_absent(entry.folder) &&
                    is_safe_or_absent(entry.stored_path) &&
                    (entry.group == NULL || *entry.group == '\0' || seal_path_is_safe(entry.group));
    if (is_valid && entry.link != NULL)
        is_valid = strlen(entry.link) <= LINK_MAX && manifest_link_is_inside(entry.path, entry.link);
    else if (is_valid)
        is_valid = decode_sealed(line, &entry.sealed);
    if (!is_valid) {
        manifest_entry_fini(&entry);
        return false;
    }
    *ret = entry;
    return true;
}
