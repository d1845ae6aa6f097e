/* Publishing a directory, committing it by HEAD, and reading it back: manifests, sets and parallel downloads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/tree.h"
#include "seal/fetch.h"
#include "seal/head_store.h"
#include "seal/links.h"
#include "seal/manifest_store.h"
#include "seal/marker.h"
#include "seal/object_write.h"
#include "seal/publish.h"
#include "seal_fixture.h"

#include "base/banned.h"

#define OUT "out"
#define IN  "in"

/* A publication of the directory OUT, and its manifest as it was written. */
struct published {
    struct manifest m;
    struct publication p;
};

static void published_fini(struct published *p)
{
    manifest_fini(&p->m);
    publication_fini(&p->p);
}

static void add_file(struct seal_fixture *s, const char *path, const char *text)
{
    close(make_file(s, path, view_from(text)));
}

static int publish(struct seal_fixture *s, struct published *ret)
{
    char *directory CLEANUP(cleanup_free) = xasprintf("%s/" OUT, s->directory);
    struct publish_source source = {.directory = directory, .folder = "3/"};
    *ret = (struct published){.m = {.kind = xstrdup("checkpoint"),
                                    .job_namespace = xstrdup("ml"),
                                    .job = xstrdup("digits"),
                                    .job_uid = xstrdup("uid"),
                                    .attempt = 3,
                                    .name = xstrdup("epoch-7"),
                                    .step = 7,
                                    .time = xstrdup("2026-01-02T03:04:05Z")}};
    return seal_publish(&s->c, &source, &ret->m, &ret->p, &s->bucket->e);
}

static struct published publish_two_files(struct seal_fixture *s)
{
    struct published p;
    add_file(s, OUT "/b", "second");
    add_file(s, OUT "/a/c", "first");
    assert_int_equal(publish(s, &p), 0);
    return p;
}

static void seal_as(struct seal_fixture *s, const char *name, const char *associated_data, const char *plain)
{
    struct seal_target t = {.name = name, .associated_data = associated_data};
    struct sealed sealed;
    assert_int_equal(seal_write_bytes(&s->c, &t, view_from(plain), &sealed, &s->bucket->e), 0);
}

/* The object of a publication's file. */
static struct fake_object *object_of(struct seal_fixture *s, const struct published *p, const char *path)
{
    char *name CLEANUP(cleanup_free) = xasprintf("set/3/%s/%s", p->m.id, path);
    return fake_bucket_find(&s->bucket->fake, name);
}

/* Reads the manifest and then all objects into IN, which is emptied first. */
static int fetch_at(struct seal_fixture *s, const struct manifest_ref *at)
{
    char *directory CLEANUP(cleanup_free) = xasprintf("%s/" IN, s->directory);
    struct manifest m = {.kind = NULL};
    struct seal_set set = {.items = NULL};
    assert_int_equal(file_make_directories(directory, 0700, &s->bucket->e), 0);
    assert_int_equal(tree_empty(directory, &s->bucket->e), 0);
    int result = manifest_read(&s->c, at, &m, &s->bucket->e);
    if (result == 0)
        result = manifest_objects(&s->c, &m, at->name, &set, &s->bucket->e);
    if (result == 0)
        result = seal_fetch(&s->c, &set, directory, 8, &s->bucket->e);
    seal_set_fini(&set);
    manifest_fini(&m);
    return result;
}

/* ---- publishing ---- */
static void a_published_directory_is_fetched_as_it_was(void **state)
{
    struct seal_fixture *s = *state;
    struct published p = publish_two_files(s);
    char *name CLEANUP(cleanup_free) = xasprintf("3/%s/manifest", p.m.id);
    char *uri CLEANUP(cleanup_free) = xasprintf("gs://bucket/set/3/%s/", p.m.id);
    assert_string_equal(p.p.manifest.name, name);
    assert_string_equal(p.p.manifest.id, p.m.id);
    assert_string_equal(p.p.uri, uri);
    assert_int_equal(s->bucket->fake.count, 3);
    assert_int_equal(fetch_at(s, &p.p.manifest), 0);
    must_be_file(s, IN "/b", VIEW_LITERAL("second"));
    must_be_file(s, IN "/a/c", VIEW_LITERAL("first"));
    published_fini(&p);
}

static void links_that_stay_inside_are_kept_and_others_are_left_out(void **state)
{
    struct seal_fixture *s = *state;
    struct published p;
    char *in CLEANUP(cleanup_free) = xasprintf("%s/" IN, s->directory);
    char target[16] = "";
    add_file(s, OUT "/a/c", "first");
    assert_int_equal(symlinkat("c", s->directory_fd, OUT "/a/latest"), 0);
    assert_int_equal(symlinkat("/etc/passwd", s->directory_fd, OUT "/a/secret"), 0);
    assert_int_equal(publish(s, &p), 0);
    assert_int_equal(p.m.count, 2);
    assert_int_equal(p.p.skipped_links, 1);
    assert_string_equal(p.p.skipped_link, "a/secret");
    assert_int_equal(fetch_at(s, &p.p.manifest), 0);
    assert_int_equal(manifest_make_links(&p.m, in, 0700, &s->bucket->e), 0);
    assert_int_equal(readlinkat(s->directory_fd, IN "/a/latest", target, sizeof(target)), 1);
    assert_string_equal(target, "c");
    published_fini(&p);
}

static void a_link_is_not_made_below_another_link(void **state)
{
    struct seal_fixture *s = *state;
    struct manifest m = {.kind = NULL};
    struct manifest_entry links[] = {{.path = xstrdup("a"), .link = xstrdup(".")},
                                     {.path = xstrdup("a/b"), .link = xstrdup("c")}};
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        manifest_add_entry(&m, &links[i]);
    assert_int_equal(manifest_make_links(&m, s->directory, 0700, &s->bucket->e), -1);
    must_say(s->bucket, ERR_IO, "", "making the link a/b");
    manifest_fini(&m);
}

static void a_place_that_cannot_be_written_to_is_found_out(void **state)
{
    struct seal_fixture *s = *state;
    s->c.keys = NULL;
    assert_int_equal(seal_mark(&s->c, &s->bucket->e), 0);
    assert_int_equal(seal_mark(&s->c, &s->bucket->e), 0); /* it is there already */
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .status = 403};
    assert_int_equal(seal_mark(&s->c, &s->bucket->e), -1);
    must_say(s->bucket, ERR_OUTPUT_DENIED, "gs://bucket/set/", "answered 403");
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .status = 404};
    assert_int_equal(seal_mark(&s->c, &s->bucket->e), -1);
    must_say(s->bucket, ERR_OUTPUT_NOT_FOUND, "gs://bucket/set/", "answered 404");
}

static void must_not_publish(struct seal_fixture *s, const char *why)
{
    struct published p;
    assert_int_equal(publish(s, &p), -1);
    must_say(s->bucket, ERR_OUTPUT_UNREADABLE, "", why);
    published_fini(&p);
}

static void only_files_and_directories_are_published(void **state)
{
    struct seal_fixture *s = *state;
    add_file(s, OUT "/a", "first");
    assert_int_equal(mkfifoat(s->directory_fd, OUT "/b", 0600), 0);
    must_not_publish(s, "b is neither a regular file nor a directory");
    assert_int_equal(unlinkat(s->directory_fd, OUT "/b", 0), 0);
    add_file(s, OUT "/a\nb", "x");
    must_not_publish(s, "contains a line break");
}

/* ---- manifests ---- */
static void must_not_fetch(struct seal_fixture *s, const struct manifest_ref *at, enum err_code code,
                           const char *why)
{
    assert_int_equal(fetch_at(s, at), -1);
    must_say(s->bucket, code, "gs://bucket/set/3/", why);
}

static void a_manifest_is_pinned_by_digest_and_id(void **state)
{
    struct seal_fixture *s = *state;
    struct published one = publish_two_files(s), other = publish_two_files(s);
    struct manifest_ref mixed = one.p.manifest;
    mixed.sha256 = other.p.manifest.sha256;
    must_not_fetch(s, &mixed, ERR_DATA_TAMPERED, "is not the manifest that was committed");
    mixed = one.p.manifest;
    mixed.id = other.p.manifest.id;
    must_not_fetch(s, &mixed, ERR_DATA_SWAPPED, "was encrypted as");
    flip(object_of(s, &one, "manifest"), 50);
    must_not_fetch(s, &one.p.manifest, ERR_DATA_TAMPERED, "was changed after it was encrypted");
    assert_int_equal(fetch_at(s, &other.p.manifest), 0);
    published_fini(&one);
    published_fini(&other);
}

static void the_objects_must_be_those_of_the_manifest(void **state)
{
    struct seal_fixture *s = *state;
    struct published p = publish_two_files(s), older = publish_two_files(s);
    struct fake_object *b = object_of(s, &p, "data/b");
    char *name CLEANUP(cleanup_free) = xstrdup(b->name);
    b->bytes.len--;
    must_not_fetch(s, &p.p.manifest, ERR_DATA_TRUNCATED, "has 61 bytes; 62 were written");
    fake_bucket_put(&s->bucket->fake, name, strbuf_view(&object_of(s, &older, "data/b")->bytes));
    must_not_fetch(s, &p.p.manifest, ERR_DATA_TAMPERED, "data/b was changed after it was encrypted");
    fake_bucket_delete(&s->bucket->fake, name);
    char *ad CLEANUP(cleanup_free) = manifest_associated_data(p.m.id, "b");
    seal_as(s, name, ad, "Second"); /* by the right key, for this place and of this size, but later */
    must_not_fetch(s, &p.p.manifest, ERR_DATA_TAMPERED, "data/b was changed after it was encrypted");
    fake_bucket_delete(&s->bucket->fake, name);
    must_not_fetch(s, &p.p.manifest, ERR_DATA_NOT_FOUND, "data/b");
    published_fini(&p);
    published_fini(&older);
}

/* ---- HEAD ---- */
static struct head head_to(const struct published *p, uint64_t generation)
{
    return (struct head){.manifest = manifest_ref_copy(&p->p.manifest),
                         .attempt = 3,
                         .pod_uid = xstrdup("pod"),
                         .name = xstrdup("epoch-7"),
                         .step = 7,
                         .time = xstrdup("2026-01-02T03:04:05Z"),
                         .generation = generation};
}

static void head_is_moved_and_read_without_a_key(void **state)
{
    struct seal_fixture *s = *state;
    struct published p = publish_two_files(s);
    struct head none, head = head_to(&p, 0), read;
    s->c.keys = NULL;
    assert_int_equal(head_read(&s->c, &none, &s->bucket->e), 0);
    assert_int_equal(none.generation, 0);
    assert_null(none.manifest.name);
    assert_int_equal(head_move(&s->c, &head, &s->bucket->e), 0);
    assert_int_equal(head_read(&s->c, &read, &s->bucket->e), 0);
    assert_int_equal(read.generation, head.generation);
    assert_string_equal(read.manifest.name, p.p.manifest.name);
    assert_string_equal(read.manifest.id, p.m.id);
    assert_string_equal(read.manifest.sha256, p.p.manifest.sha256);
    assert_string_equal(read.pod_uid, "pod");
    assert_int_equal(read.step, 7);
    assert_int_equal(read.attempt, 3);
    s->c.keys = &s->keys;
    assert_int_equal(fetch_at(s, &read.manifest), 0);
    head_fini(&head);
    head_fini(&read);
    published_fini(&p);
}

static void a_head_that_somebody_else_has_moved_is_not_moved(void **state)
{
    struct seal_fixture *s = *state;
    struct published p = publish_two_files(s);
    struct head first = head_to(&p, 0), late = head_to(&p, 0);
    late.attempt = 2;
    assert_int_equal(head_move(&s->c, &first, &s->bucket->e), 0);
    assert_int_equal(head_move(&s->c, &late, &s->bucket->e), -1);
    must_say(s->bucket, ERR_SUPERSEDED, "gs://bucket/set/HEAD", "another version");
    assert_int_equal(late.generation, 0);
    /* A move whose reply was lost was ours. */
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .after = lose_reply};
    assert_int_equal(head_move(&s->c, &first, &s->bucket->e), 0);
    assert_int_equal(first.generation, fake_bucket_find(&s->bucket->fake, "set/HEAD")->generation);
    fake_bucket_delete(&s->bucket->fake, "set/HEAD");
    assert_int_equal(head_move(&s->c, &first, &s->bucket->e), -1);
    must_say(s->bucket, ERR_SUPERSEDED, "gs://bucket/set/HEAD", "");
    head_fini(&first);
    head_fini(&late);
    published_fini(&p);
}

static void a_head_that_points_elsewhere_is_refused(void **state)
{
    /* "@" stands for an id of 32 hexadecimal digits, "#" for a digest of 64. */
    static const char *const TEXTS[] = {
        "nonsense",
        "{\"version\":2,\"manifest\":\"1/@/manifest\",\"id\":\"@\",\"manifestSHA256\":\"#\"}",
        "{\"version\":1,\"manifest\":\"../@/manifest\",\"id\":\"@\",\"manifestSHA256\":\"#\"}",
        "{\"version\":1,\"manifest\":\"1/@/data\",\"id\":\"@\",\"manifestSHA256\":\"#\"}",
        "{\"version\":1,\"manifest\":\"1/@/manifest\",\"id\":\"no id\",\"manifestSHA256\":\"#\"}",
        "{\"version\":1,\"manifest\":\"1/@/manifest\",\"id\":\"@\",\"manifestSHA256\":\"short\"}",
    };
    struct seal_fixture *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct strbuf text = STRBUF(4096);
        struct head head;
        for (const char *at = TEXTS[i]; *at != '\0'; at++)
            if (*at == '@' || *at == '#')
                strbuf_addf(&text, "%0*d", *at == '@' ? 32 : 64, 0);
            else
                strbuf_add_char(&text, *at);
        fake_bucket_put(&s->bucket->fake, "set/HEAD", strbuf_view(&text));
        assert_int_equal(head_read(&s->c, &head, &s->bucket->e), -1);
        assert_string_equal(s->bucket->e.object, "gs://bucket/set/HEAD");
        must_say(s->bucket, ERR_DATA_TAMPERED, "gs://bucket/set/HEAD", "");
        strbuf_fini(&text);
    }
}

static void a_denied_head_is_a_denied_output(void **state)
{
    struct seal_fixture *s = *state;
    struct head head;
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "HEAD", .times = 1, .status = 403};
    assert_int_equal(head_read(&s->c, &head, &s->bucket->e), -1);
    must_say(s->bucket, ERR_OUTPUT_DENIED, "gs://bucket/set/HEAD", "answered 403");
}

/* ---- sets ---- */
static int list_and_fetch(struct seal_fixture *s, const char *uri, const char *mode)
{
    struct seal_set set = {.items = NULL};
    struct seal_context c;
    assert_int_equal(seal_open(&c, &s->bucket->fake.config, uri, &s->keys, &s->bucket->e), 0);
    int result = seal_set_list(&c, mode, NULL, &set, &s->bucket->e);
    if (result == 0) {
        assert_int_equal(set.footprint.content_bytes, set.count * strlen("plain"));
        result = seal_fetch(&c, &set, s->directory, 2, &s->bucket->e);
    }
    seal_set_fini(&set);
    seal_close(&c);
    return result;
}

static void a_set_is_a_folder_or_one_object_in_each_mode(void **state)
{
    static const struct {
        const char *uri, *mode, *name, *associated_data, *path;
    } CASES[] = {
        {"gs://bucket/set/", "Object", "set/1/a", "gs://bucket/set/1/a", "1/a"},
        {"gs://bucket/set/2/", "Relative", "set/2/x/a", "x/a", "x/a"},
        {"gs://bucket/set/3/a", "Relative", "set/3/a", "a", "a"},
        {"gs://bucket/set/4/", "Fixed:any text", "set/4/b", "any text", "b"},
    };
    struct seal_fixture *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char *folder CLEANUP(cleanup_free) = xasprintf("set/%zu/", i + 1);
        fake_bucket_put(&s->bucket->fake, folder, VIEW_LITERAL("")); /* as the console makes them */
        seal_as(s, CASES[i].name, CASES[i].associated_data, "plain");
        assert_int_equal(list_and_fetch(s, CASES[i].uri, CASES[i].mode), 0);
        must_be_file(s, CASES[i].path, VIEW_LITERAL("plain"));
        assert_int_equal(unlinkat(s->directory_fd, CASES[i].path, 0), 0);
        fake_bucket_delete(&s->bucket->fake, CASES[i].name);
    }
}

static void a_set_without_objects_or_with_an_unsafe_path_is_refused(void **state)
{
    struct seal_fixture *s = *state;
    assert_int_equal(list_and_fetch(s, "gs://bucket/set/", "Object"), -1);
    must_say(s->bucket, ERR_DATA_NOT_FOUND, "gs://bucket/set/", "there is nothing at");
    assert_int_equal(list_and_fetch(s, "gs://bucket/set/a", "Object"), -1);
    must_say(s->bucket, ERR_DATA_NOT_FOUND, "gs://bucket/set/a", "answered 404");
    seal_as(s, "set/../a", "gs://bucket/set/../a", "plain");
    assert_int_equal(list_and_fetch(s, "gs://bucket/set/", "Object"), -1);
    must_say(s->bucket, ERR_INVALID, "gs://bucket/set/../a", "is not a valid path");
}

static void a_path_that_is_taken_is_refused(void **state)
{
    struct seal_fixture *s = *state;
    seal_as(s, "set/a", "gs://bucket/set/a", "plain");
    add_file(s, "a", "there");
    assert_int_equal(list_and_fetch(s, "gs://bucket/set/", "Object"), -1);
    must_say(s->bucket, ERR_INVALID, "a cannot be created", "another object has its name");
    must_be_file(s, "a", VIEW_LITERAL("there"));
}

static void the_first_failure_ends_a_download_and_a_cancelled_one_does_not_begin(void **state)
{
    struct seal_fixture *s = *state;
    atomic_bool is_cancelled = true;
    char name[] = "set/0";
    for (; name[4] < '8'; name[4]++)
        seal_as(s, name, name, "plain"); /* none under the name it is read by */
    assert_int_equal(list_and_fetch(s, "gs://bucket/set/", "Object"), -1);
    must_say(s->bucket, ERR_DATA_SWAPPED, "gs://bucket/set/", "was encrypted as");
    assert_true(s->bucket->fake.requests <= 8 + 1 + 2); /* written, listed, one for each connection */
    s->bucket->fake.requests = 0;
    struct seal_set set = {.items = NULL};
    assert_int_equal(seal_set_list(&s->c, "Object", NULL, &set, &s->bucket->e), 0);
    s->bucket->fake.config.is_cancelled = &is_cancelled;
    assert_int_equal(seal_fetch(&s->c, &set, s->directory, 2, &s->bucket->e), -1);
    must_say(s->bucket, ERR_CANCELLED, "", "cancelled");
    assert_int_equal(s->bucket->fake.requests, 1);
    seal_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAL_TEST(a_published_directory_is_fetched_as_it_was),
        SEAL_TEST(links_that_stay_inside_are_kept_and_others_are_left_out),
        SEAL_TEST(a_link_is_not_made_below_another_link),
        SEAL_TEST(a_place_that_cannot_be_written_to_is_found_out),
        SEAL_TEST(only_files_and_directories_are_published),
        SEAL_TEST(a_manifest_is_pinned_by_digest_and_id),
        SEAL_TEST(the_objects_must_be_those_of_the_manifest),
        SEAL_TEST(head_is_moved_and_read_without_a_key),
        SEAL_TEST(a_head_that_somebody_else_has_moved_is_not_moved),
        SEAL_TEST(a_head_that_points_elsewhere_is_refused),
        SEAL_TEST(a_denied_head_is_a_denied_output),
        SEAL_TEST(a_set_is_a_folder_or_one_object_in_each_mode),
        SEAL_TEST(a_set_without_objects_or_with_an_unsafe_path_is_refused),
        SEAL_TEST(a_path_that_is_taken_is_refused),
        SEAL_TEST(the_first_failure_ends_a_download_and_a_cancelled_one_does_not_begin),
    };
    return cmocka_run_group_tests_name("publish", tests, loopback_set_up, NULL);
}
