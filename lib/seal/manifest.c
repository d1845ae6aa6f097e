#include "seal/manifest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"

#include "base/banned.h"

#define FORMAT "manifest/v1"

enum { RANDOM_BYTES = 16 };

void manifest_ref_fini(struct manifest_ref *r)
{
    free(r->name);
    free(r->id);
    free(r->sha256);
    *r = (struct manifest_ref){.name = NULL};
}

struct manifest_ref manifest_ref_copy(const struct manifest_ref *r)
{
    return r->name == NULL ? (struct manifest_ref){.name = NULL}
                           : (struct manifest_ref){xstrdup(r->name), xstrdup(r->id), xstrdup(r->sha256)};
}

void manifest_fini(struct manifest *m)
{
    char *texts[] = {m->kind, m->job_namespace, m->job, m->job_uid, m->pod_uid, m->name, m->time};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < m->count; i++)
        manifest_entry_fini(&m->entries[i]);
    free(m->entries);
    manifest_ref_fini(&m->parent);
    *m = (struct manifest){.kind = NULL};
}

void manifest_make_id(char ret[MANIFEST_ID_SIZE])
{
    uint8_t random[RANDOM_BYTES];
    random_bytes(random, sizeof(random));
    char *hex CLEANUP(cleanup_free) = hex_encode(random, sizeof(random));
    memcpy(ret, hex, MANIFEST_ID_SIZE);
}

struct lineage manifest_lineage(const struct manifest *m)
{
    return (struct lineage){m->attempt, m->sequence};
}

void manifest_add(struct manifest *m, char *path, const struct sealed *sealed)
{
    manifest_add_entry(m, &(struct manifest_entry){.path = path, .sealed = *sealed});
}

void manifest_add_entry(struct manifest *m, struct manifest_entry *entry)
{
    if ((m->count & (m->count - 1)) == 0) /* 0, or a power of two: all places are taken */
        m->entries = xreallocarray(m->entries, m->count == 0 ? 1 : 2 * m->count, sizeof(*m->entries));
    m->entries[m->count++] = *entry;
    *entry = (struct manifest_entry){.path = NULL};
}

void manifest_add_copies(struct manifest *m, const struct manifest *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct manifest_entry copy = manifest_entry_copy(&from->entries[i]);
        manifest_add_entry(m, &copy);
    }
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

static json_t *first_line(const struct manifest *m)
{
    json_t *line =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:I,s:s}", "cloister", FORMAT, "id", m->id,
                  "kind", m->kind, "namespace", m->job_namespace, "job", m->job, "jobUID", m->job_uid,
                  "attempt", (json_int_t)m->attempt, "index", (json_int_t)m->index, "sequence",
                  (json_int_t)m->sequence, "name", m->name, "step", (json_int_t)m->step, "time", m->time);
    if (m->pod_uid != NULL)
        json_object_set_new(line, "podUID", json_string(m->pod_uid));
    if (m->base.attempt > 0)
        json_object_set_new(line, "base",
                            json_pack("{s:I,s:I}", "attempt", (json_int_t)m->base.attempt, "sequence",
                                      (json_int_t)m->base.sequence));
    json_object_set_new(line, "parent",
                        m->parent.name == NULL
                            ? json_null()
                            : json_pack("{s:s,s:s}", "manifest", m->parent.name, "sha256", m->parent.sha256));
    return line;
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
    add_line(ret, first_line(m));
    for (size_t i = 0; i < m->count; i++)
        add_line(ret, manifest_entry_encode(&m->entries[i]));
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

/* "<attempt>/<id>/manifest" -> id */
static char *id_in(const char *name)
{
    struct view rest = view_from(name);
    (void)view_cut(rest, '/', &rest);
    return view_dup(view_cut(rest, '/', &rest));
}

static void read_first(const json_t *line, struct manifest *m)
{
    const char *parent = js_text(line, "parent.manifest");
    m->kind = xstrdup(js_text(line, "kind"));
    m->job_namespace = xstrdup(js_text(line, "namespace"));
    m->job = xstrdup(js_text(line, "job"));
    m->job_uid = xstrdup(js_text(line, "jobUID"));
    m->pod_uid = xstrdup(js_text(line, "podUID"));
    m->attempt = js_int(line, "attempt", 0);
    m->index = js_int(line, "index", 0);
    m->sequence = js_int(line, "sequence", 0);
    m->base.attempt = js_int(line, "base.attempt", 0);
    m->base.sequence = js_int(line, "base.sequence", 0);
    m->name = xstrdup(js_text(line, "name"));
    m->step = js_int(line, "step", -1);
    m->time = xstrdup(js_text(line, "time"));
    if (*parent != '\0')
        m->parent = (struct manifest_ref){
            .name = xstrdup(parent), .id = id_in(parent), .sha256 = xstrdup(js_text(line, "parent.sha256"))};
}

/* Each entry must sort after the previous one. */
static bool read_entry(const json_t *line, struct manifest *m)
{
    struct manifest_entry entry;
    if (!manifest_entry_decode(line, &entry))
        return false;
    bool is_in_order = m->count == 0 || strcmp(m->entries[m->count - 1].path, entry.path) < 0;
    if (is_in_order)
        manifest_add_entry(m, &entry);
    else
        manifest_entry_fini(&entry);
    return is_in_order;
}

static bool read_last(const json_t *line, struct view lines, const struct manifest *m)
{
    char sum[SHA256_HEX_SIZE];
    sha256_hex(lines.ptr, lines.len, sum);
    return js_int(line, "count", -1) == (int64_t)m->count && strcmp(js_text(line, "sha256"), sum) == 0;
}

static bool read_lines(struct view text, struct manifest *m)
{
    struct view rest = text;
    json_t *first CLEANUP(js_free) = read_line(&rest);
    const char *id = js_text(first, "id");
    if (strcmp(js_text(first, "cloister"), FORMAT) != 0 || strlen(id) != MANIFEST_ID_SIZE - 1)
        return false;
    memcpy(m->id, id, MANIFEST_ID_SIZE);
    read_first(first, m);
    for (;;) {
        struct view before = view_of(text.ptr, (size_t)(rest.ptr - text.ptr));
        json_t *line CLEANUP(js_free) = read_line(&rest);
        if (line == NULL)
            return false;
        if (json_object_get(line, "count") != NULL)
            return read_last(line, before, m) && rest.len == 0;
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
