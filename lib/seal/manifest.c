#include "seal/manifest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"

#include "base/banned.h"

#define FORMAT "manifest/v1"

enum { MANIFEST_MAX = 64 * 1024 * 1024, RANDOM_BYTES = 16 };

void manifest_fini(struct manifest *m)
{
    char *texts[] = {m->kind, m->job_namespace, m->job,    m->job_uid,
                     m->name, m->time,          m->parent, m->parent_sha256};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < m->count; i++)
        free(m->entries[i].path);
    free(m->entries);
    *m = (struct manifest){.kind = NULL};
}

void manifest_make_id(char ret[MANIFEST_ID_SIZE])
{
    uint8_t random[RANDOM_BYTES];
    random_bytes(random, sizeof(random));
    char *hex CLEANUP(cleanup_free) = hex_encode(random, sizeof(random));
    memcpy(ret, hex, MANIFEST_ID_SIZE);
}

void manifest_add(struct manifest *m, char *path, const struct sealed *sealed)
{
    m->entries = xreallocarray(m->entries, m->count + 1, sizeof(*m->entries));
    m->entries[m->count++] = (struct manifest_entry){path, *sealed};
}

char *manifest_associated_data(const char *id, const char *path)
{
    return path == NULL ? xasprintf("cloister/v1/%s", id) : xasprintf("cloister/v1/%s/%s", id, path);
}

/* ---- writing ---- */
static void add_line(struct strbuf *sb, json_t *line)
{
    char *text CLEANUP(cleanup_free) = js_dump(line);
    strbuf_add_text(sb, text);
    strbuf_add_char(sb, '\n');
    json_decref(line);
}

static json_t *head_line(const struct manifest *m)
{
    json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:I,s:s}", "cloister", FORMAT, "id", m->id,
                             "kind", m->kind, "namespace", m->job_namespace, "job", m->job, "jobUID",
                             m->job_uid, "attempt", (json_int_t)m->attempt, "index", (json_int_t)m->index,
                             "name", m->name, "step", (json_int_t)m->step, "time", m->time);
    json_object_set_new(line, "parent",
                        m->parent == NULL
                            ? json_null()
                            : json_pack("{s:s,s:s}", "manifest", m->parent, "sha256", m->parent_sha256));
    return line;
}

static json_t *entry_line(const struct manifest_entry *entry)
{
    char *header CLEANUP(cleanup_free) = base64_encode(entry->sealed.header, entry->sealed.header_bytes);
    return json_pack("{s:s,s:I,s:I,s:s,s:I}", "path", entry->path, "size",
                     (json_int_t)entry->sealed.plain_bytes, "cipherSize",
                     (json_int_t)entry->sealed.cipher_bytes, "header", header, "keyId",
                     (json_int_t)entry->sealed.key_id);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct manifest_entry *)a)->path, ((const struct manifest_entry *)b)->path);
}

void manifest_encode(struct manifest *m, struct strbuf *ret, char ret_sha256[SHA256_HEX_SIZE])
{
    char body[SHA256_HEX_SIZE];
    if (m->count > 0)
        qsort(m->entries, m->count, sizeof(*m->entries), compare_entries);
    strbuf_init(ret, MANIFEST_MAX);
    add_line(ret, head_line(m));
    for (size_t i = 0; i < m->count; i++)
        add_line(ret, entry_line(&m->entries[i]));
    sha256_hex(strbuf_text(ret), ret->len, body);
    add_line(ret, json_pack("{s:I,s:s}", "count", (json_int_t)m->count, "sha256", body));
    sha256_hex(strbuf_text(ret), ret->len, ret_sha256);
}

/* ---- reading ---- */
static json_t *read_line(struct view *rest)
{
    struct err ignored CLEANUP(err_fini) = {0};
    struct view line = view_cut(*rest, '\n', rest);
    return line.len == 0 ? NULL : js_parse(line, "a line of the manifest", &ignored);
}

static void read_head(const json_t *line, struct manifest *m)
{
    const char *parent = js_text(line, "parent.manifest");
    m->kind = xstrdup(js_text(line, "kind"));
    m->job_namespace = xstrdup(js_text(line, "namespace"));
    m->job = xstrdup(js_text(line, "job"));
    m->job_uid = xstrdup(js_text(line, "jobUID"));
    m->attempt = js_int(line, "attempt", 0);
    m->index = js_int(line, "index", 0);
    m->name = xstrdup(js_text(line, "name"));
    m->step = js_int(line, "step", -1);
    m->time = xstrdup(js_text(line, "time"));
    m->parent = *parent == '\0' ? NULL : xstrdup(parent);
    m->parent_sha256 = *parent == '\0' ? NULL : xstrdup(js_text(line, "parent.sha256"));
}

/* Each entry must be a safe path, after the one before it, with a header of a stream. */
static bool read_entry(const json_t *line, struct manifest *m)
{
    const char *path = js_text(line, "path"), *previous = m->count > 0 ? m->entries[m->count - 1].path : "";
    int64_t size = js_int(line, "size", -1), cipher = js_int(line, "cipherSize", -1),
            key = js_int(line, "keyId", 0);
    struct sealed sealed = {0};
    size_t length = 0;
    if (!seal_path_is_safe(path) || strcmp(previous, path) >= 0 || size < 0 || cipher < 0 || key <= 0 ||
        key > UINT32_MAX ||
        base64_decode(view_from(js_text(line, "header")), sealed.header, sizeof(sealed.header), &length) <
            0 ||
        (length != 24 && length != 40) || sealed.header[0] != length)
        return false;
    sealed.plain_bytes = (uint64_t)size;
    sealed.cipher_bytes = (uint64_t)cipher;
    sealed.header_bytes = (uint32_t)length;
    sealed.key_id = (uint32_t)key;
    manifest_add(m, xstrdup(path), &sealed);
    return true;
}

static bool read_foot(const json_t *line, struct view before, const struct manifest *m)
{
    char sum[SHA256_HEX_SIZE];
    sha256_hex(before.ptr, before.len, sum);
    return js_int(line, "count", -1) == (int64_t)m->count && strcmp(js_text(line, "sha256"), sum) == 0;
}

static bool read_lines(struct view text, struct manifest *m)
{
    struct view rest = text;
    json_t *head CLEANUP(js_free) = read_line(&rest);
    const char *id = js_text(head, "id");
    if (strcmp(js_text(head, "cloister"), FORMAT) != 0 || strlen(id) != MANIFEST_ID_SIZE - 1)
        return false;
    memcpy(m->id, id, MANIFEST_ID_SIZE);
    read_head(head, m);
    for (;;) {
        struct view before = view_of(text.ptr, (size_t)(rest.ptr - text.ptr));
        json_t *line CLEANUP(js_free) = read_line(&rest);
        if (line == NULL)
            return false;
        if (json_object_get(line, "count") != NULL)
            return read_foot(line, before, m) && rest.len == 0;
        if (!read_entry(line, m))
            return false;
    }
}

int manifest_decode(struct view text, struct manifest *ret, struct err *e)
{
    struct manifest m = {.kind = NULL};
    if (!read_lines(text, &m)) {
        manifest_fini(&m);
        return FAIL(e, ERR_DATA_TAMPERED, "the manifest is damaged");
    }
    *ret = m;
    return 0;
}

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    strbuf_add(context, bytes, length);
    return strbuf_overflowed(context)
               ? FAIL(e, ERR_TOO_LARGE, "the manifest is larger than %d bytes", MANIFEST_MAX)
               : 0;
}

int manifest_read(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                  const char *bucket, const char *name, const char *id, const char *sha256,
                  struct manifest *ret, struct err *e)
{
    struct strbuf text = STRBUF(MANIFEST_MAX);
    struct seal_item item = {.associated_data = manifest_associated_data(id, NULL),
                             .path = xstrdup("manifest")};
    char sum[SHA256_HEX_SIZE];
    char *uri CLEANUP(cleanup_free) = gcs_uri(bucket, name);
    int result = gcs_stat(site, s, bucket, name, &item.object, e);
    if (result < 0 && e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_DATA_NOT_FOUND);
    if (result == 0)
        result = seal_read(site, s, ks, &item, collect, &text, e);
    sha256_hex(strbuf_text(&text), text.len, sum);
    if (result == 0 && sha256 != NULL && strcmp(sum, sha256) != 0)
        result = FAIL_OBJECT(e, ERR_DATA_TAMPERED, uri, "%s is not the manifest that was committed", uri);
    if (result == 0)
        result = manifest_decode(strbuf_view(&text), ret, e) < 0 ? err_wrap(e, "%s", uri) : 0;
    if (result == 0 && strcmp(ret->id, id) != 0) {
        manifest_fini(ret);
        result = FAIL_OBJECT(e, ERR_DATA_TAMPERED, uri, "%s has the id of another manifest", uri);
    }
    strbuf_fini(&text);
    seal_item_fini(&item);
    return result;
}

int manifest_set(const struct gcp_site *site, struct http_session *s, const struct manifest *m,
                 const char *bucket, const char *manifest_name, struct seal_set *ret, struct err *e)
{
    size_t prefix = strlen(manifest_name) - strlen("manifest");
    struct seal_set set = {.items = NULL};
    for (size_t i = 0; i < m->count; i++) {
        const struct manifest_entry *entry = &m->entries[i];
        char *name CLEANUP(cleanup_free) = xasprintf("%.*sdata/%s", (int)prefix, manifest_name, entry->path);
        struct seal_item item = {.path = xstrdup(entry->path),
                                 .associated_data = manifest_associated_data(m->id, entry->path),
                                 .plain_bytes = entry->sealed.plain_bytes,
                                 .key_id = entry->sealed.key_id,
                                 .is_pinned = true};
        memcpy(item.header, entry->sealed.header, sizeof(item.header));
        int result = gcs_stat(site, s, bucket, name, &item.object, e);
        if (result < 0 && e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_NOT_FOUND);
        if (result == 0 && item.object.size != entry->sealed.cipher_bytes)
            result = FAIL_OBJECT(
                e, ERR_DATA_TRUNCATED, name, "gs://%s/%s has %llu bytes, and %llu were written", bucket, name,
                (unsigned long long)item.object.size, (unsigned long long)entry->sealed.cipher_bytes);
        if (result < 0) {
            seal_item_fini(&item);
            seal_set_fini(&set);
            return -1;
        }
        seal_set_add(&set, &item);
    }
    *ret = set;
    return 0;
}
