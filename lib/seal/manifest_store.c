#include "seal/manifest_store.h"

#include <string.h>

#include "base/alloc.h"
#include "seal/object_read.h"
#include "seal/object_write.h"

#include "base/banned.h"

int manifest_write(const struct seal_context *c, struct manifest *m, const char *folder,
                   struct manifest_ref *ret, struct err *e)
{
    struct strbuf text;
    struct sealed sealed;
    char sha256[SHA256_HEX_SIZE];
    char *below CLEANUP(cleanup_free) = xasprintf("%s/manifest", folder);
    char *name CLEANUP(cleanup_free) = seal_object_name(c, below);
    char *associated_data CLEANUP(cleanup_free) = manifest_associated_data(m->id, NULL);
    struct seal_target target = {.name = name, .associated_data = associated_data};
    manifest_encode(m, &text, sha256);
    int result = strbuf_overflowed(&text) ? FAIL(e, ERR_TOO_LARGE, "too many files for one manifest")
                                          : seal_write_bytes(c, &target, strbuf_view(&text), &sealed, e);
    strbuf_fini(&text);
    if (result < 0)
        return err_wrap(e, "publishing the manifest");
    *ret = (struct manifest_ref){.name = TAKE_PTR(below), .id = xstrdup(m->id), .sha256 = xstrdup(sha256)};
    return 0;
}

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    strbuf_add(context, bytes, length);
    return strbuf_overflowed(context)
               ? FAIL(e, ERR_TOO_LARGE, "the manifest is larger than %d bytes", MANIFEST_MAX)
               : 0;
}

/* The whole decrypted text of an object. item: how it was encrypted; its object is filled in. */
static int read_text(const struct seal_context *c, const char *name, struct seal_item *item,
                     struct strbuf *ret, struct err *e)
{
    if (gcs_stat(&c->bucket, name, &item->object, e) < 0) {
        if (e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_NOT_FOUND);
        return -1;
    }
    return seal_read(c, item, (struct byte_sink){collect, ret}, e);
}

/* The text as a manifest, which must be the one that `at` refers to. */
static int decode_at(struct view text, const struct manifest_ref *at, const char *uri, struct manifest *ret,
                     struct err *e)
{
    char sum[SHA256_HEX_SIZE];
    struct manifest m;
    sha256_hex(text.ptr, text.len, sum);
    if (strcmp(sum, at->sha256) != 0)
        return FAIL_OBJECT(e, ERR_DATA_TAMPERED, uri, "%s is not the manifest that was committed", uri);
    if (manifest_decode(text, &m, e) < 0)
        return err_wrap(e, "%s", uri);
    if (strcmp(m.id, at->id) != 0) {
        manifest_fini(&m);
        return FAIL_OBJECT(e, ERR_DATA_TAMPERED, uri, "%s has the id of another manifest", uri);
    }
    *ret = m;
    return 0;
}

int manifest_read(const struct seal_context *c, const struct manifest_ref *at, struct manifest *ret,
                  struct err *e)
{
    char *name CLEANUP(cleanup_free) = seal_object_name(c, at->name);
    char *uri CLEANUP(cleanup_free) = gcs_uri(c->bucket.name, name);
    struct strbuf text = STRBUF(MANIFEST_MAX);
    struct seal_item item = {.associated_data = manifest_associated_data(at->id, NULL)};
    int result = read_text(c, name, &item, &text, e);
    if (result == 0)
        result = decode_at(strbuf_view(&text), at, uri, ret, e);
    strbuf_fini(&text);
    seal_item_fini(&item);
    return result;
}

/* "<attempt>/<id>/manifest" -> "<attempt>/<id>/"; "manifest" -> "". */
static char *folder_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return xstrndup(name, slash == NULL ? 0 : (size_t)(slash + 1 - name));
}

/* Where the entry's object is, and what its associated data says of that. own: the folder of the manifest. */
static void locate(const struct seal_context *c, const struct manifest *m, const struct manifest_entry *entry,
                   const char *own, struct seal_item *ret)
{
    const char *path = entry->stored_path != NULL ? entry->stored_path : entry->path;
    const char *slash = entry->folder == NULL ? NULL : strrchr(entry->folder, '/');
    const char *id = entry->folder == NULL ? m->id : slash == NULL ? entry->folder : slash + 1;
    char *name CLEANUP(cleanup_free) = entry->folder == NULL ? xasprintf("%sdata/%s", own, path)
                                                             : xasprintf("%s/data/%s", entry->folder, path);
    *ret = (struct seal_item){.object = {.name = seal_object_name(c, name)},
                              .path = entry->path,
                              .associated_data = manifest_associated_data(id, path),
                              .plain_bytes = entry->sealed.plain_bytes,
                              .header = entry->sealed.header,
                              .key_id = entry->sealed.key_id};
}

/* item is the caller's to free also when this fails. */
static int find_object(const struct seal_context *c, const struct manifest *m,
                       const struct manifest_entry *entry, const char *own, struct seal_item *item,
                       struct err *e)
{
    locate(c, m, entry, own, item);
    char *name CLEANUP(cleanup_free) = TAKE_PTR(item->object.name);
    if (gcs_stat(&c->bucket, name, &item->object, e) < 0) {
        if (e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_NOT_FOUND);
        return -1;
    }
    if (item->object.size != entry->sealed.cipher_bytes)
        return FAIL_OBJECT(e, ERR_DATA_TRUNCATED, name, "gs://%s/%s has %llu bytes; %llu were written",
                           c->bucket.name, name, (unsigned long long)item->object.size,
                           (unsigned long long)entry->sealed.cipher_bytes);
    seal_item_check_hint(item, item->associated_data);
    return 0;
}

int manifest_objects(const struct seal_context *c, const struct manifest *m, const char *name,
                     struct seal_set *ret, struct err *e)
{
    char *own CLEANUP(cleanup_free) = folder_of(name);
    struct seal_set set = {.items = NULL};
    for (size_t i = 0; i < m->count; i++) {
        struct seal_item item = {.path = NULL};
        if (m->entries[i].link != NULL)
            continue;
        if (find_object(c, m, &m->entries[i], own, &item, e) < 0) {
            seal_item_fini(&item);
            seal_set_fini(&set);
            return -1;
        }
        seal_set_add(c, &set, &item);
    }
    *ret = set;
    return 0;
}
