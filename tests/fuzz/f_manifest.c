/*
 * Manifests: what is accepted is encoded and decoded as the same; its paths are safe and in order; no link
 * leads out, not even through other links; a change of any line is noticed. An input is also read as the
 * lines before the last one, which is then made to fit: a search does not find digests.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "seal/manifest.h"

#include "base/banned.h"

enum { HOPS_MAX = 40, DEPTH_MAX = 2000, TEXT_MAX = 256 * 1024 };

/* ---- links ---- */
static const struct manifest_entry *find_entry(const struct manifest *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->entries[i].path, path) == 0)
            return &m->entries[i];
    return NULL;
}

/* Follows a path from the directory `at` ("" or "a/b/") as the kernel would; -1 when it leaves the volume. */
static int follow(const struct manifest *m, struct strbuf *at, struct view path, int *hops)
{
    while (path.len > 0) {
        struct view part = view_cut(path, '/', &path);
        if (part.len == 0 || view_equal_text(part, "."))
            continue;
        if (view_equal_text(part, "..")) {
            if (at->len == 0)
                return -1;
            do
                at->len--;
            while (at->len > 0 && at->data[at->len - 1] != '/');
            at->data[at->len] = '\0';
            continue;
        }
        char *name CLEANUP(cleanup_free) = xasprintf("%s%.*s", strbuf_text(at), VIEW_ARG(part));
        const struct manifest_entry *entry = find_entry(m, name);
        if (entry == NULL || entry->link == NULL) {
            strbuf_add_view(at, part);
            strbuf_add_char(at, '/');
        } else if (--*hops <= 0 || strbuf_overflowed(at)) {
            return 0;
        } else if (follow(m, at, view_from(entry->link), hops) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A link is only ever made in real directories, so one below another link does not count. */
static bool is_below_a_link(const struct manifest *m, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        char *folder CLEANUP(cleanup_free) = xstrndup(path, (size_t)(slash - path));
        const struct manifest_entry *entry = find_entry(m, folder);
        if (entry != NULL && entry->link != NULL)
            return true;
    }
    return false;
}

static void check_link(const struct manifest *m, const struct manifest_entry *entry)
{
    struct strbuf at = STRBUF(DEPTH_MAX);
    int hops = HOPS_MAX;
    CHECK(manifest_link_is_inside(entry->path, entry->link));
    if (!is_below_a_link(m, entry->path))
        CHECK(follow(m, &at, view_from(entry->path), &hops) == 0);
    strbuf_fini(&at);
}

/* ---- entries ---- */
static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_entry(const struct manifest *m, const struct manifest_entry *entry)
{
    CHECK(seal_path_is_safe(entry->path));
    CHECK(entry->folder == NULL || seal_path_is_safe(entry->folder));
    CHECK(entry->stored_path == NULL || seal_path_is_safe(entry->stored_path));
    if (entry->link != NULL)
        check_link(m, entry);
    else
        CHECK((entry->sealed.header_bytes == 24 || entry->sealed.header_bytes == 40) &&
              entry->sealed.key_id != 0);
    struct manifest_entry copy = manifest_entry_copy(entry);
    CHECK(is_same_text(copy.group, entry->group) && is_same_text(copy.link, entry->link));
    manifest_entry_fini(&copy);
}

static void check_content(const struct manifest *m)
{
    struct manifest_ref parent = manifest_ref_copy(&m->parent);
    CHECK(strlen(m->id) == MANIFEST_ID_SIZE - 1);
    CHECK(is_same_text(parent.name, m->parent.name) && is_same_text(parent.sha256, m->parent.sha256));
    manifest_ref_fini(&parent);
    for (size_t i = 0; i < m->count; i++) {
        check_entry(m, &m->entries[i]);
        CHECK(i == 0 || strcmp(m->entries[i - 1].path, m->entries[i].path) < 0);
    }
}

/* ---- whole texts ---- */
static void check_changed(struct view text, size_t at)
{
    struct err e = {0};
    struct manifest m;
    char *changed CLEANUP(cleanup_free) = view_dup(text);
    changed[at] = (char)(changed[at] ^ 4);
    CHECK(manifest_decode(view_of(changed, text.len), &m, &e) < 0);
    err_fini(&e);
    CHECK(manifest_decode(view_of(text.ptr, at), &m, &e) < 0);
    err_fini(&e);
}

static void check_round(struct manifest *m, size_t cut)
{
    struct err e = {0};
    struct strbuf text, second;
    struct manifest again;
    char sum[SHA256_HEX_SIZE], second_sum[SHA256_HEX_SIZE];
    manifest_encode(m, &text, sum);
    CHECK(manifest_decode(strbuf_view(&text), &again, &e) == 0);
    check_content(&again);
    manifest_encode(&again, &second, second_sum);
    CHECK(view_equal(strbuf_view(&text), strbuf_view(&second)) && strcmp(sum, second_sum) == 0);
    check_changed(strbuf_view(&text), cut % (text.len - 1));
    strbuf_fini(&text);
    strbuf_fini(&second);
    manifest_fini(&again);
}

static void read_manifest(struct view text, size_t cut)
{
    struct err e = {0};
    struct manifest m = {.count = 77};
    if (manifest_decode(text, &m, &e) < 0) {
        CHECK(e.code == ERR_DATA_TAMPERED && m.count == 77 && m.entries == NULL);
        fuzz_check_error(&e);
        return;
    }
    check_content(&m);
    check_round(&m, cut);
    manifest_fini(&m);
}

/* The lines, with the last line that they need. */
static void read_completed(struct view lines, size_t cut)
{
    struct strbuf text = STRBUF(TEXT_MAX);
    char sum[SHA256_HEX_SIZE];
    size_t count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.ptr[i] == '\n';
    sha256_hex(lines.ptr, lines.len, sum);
    strbuf_add_view(&text, lines);
    strbuf_addf(&text, "{\"count\":%zu,\"sha256\":\"%s\"}\n", count == 0 ? 0 : count - 1, sum);
    read_manifest(strbuf_view(&text), cut);
    strbuf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char id[MANIFEST_ID_SIZE];
    char *associated CLEANUP(cleanup_free) = NULL;
    manifest_make_id(id);
    associated = manifest_associated_data(id, NULL);
    CHECK(strlen(associated) == strlen("cloister/v1/") + MANIFEST_ID_SIZE - 1);
    read_manifest(view_of(bytes, length), fuzz_cut(bytes, length));
    read_completed(view_of(bytes, length), fuzz_cut(bytes, length));
    return 0;
}
