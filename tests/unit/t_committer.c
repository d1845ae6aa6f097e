/* checkpoint/committer.h: HEAD moves from snapshot to snapshot, whatever happens to calls and whoever else
 * writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "checkpoint/ancestry.h"
#include "checkpoint/committer.h"
#include "seal/head_store.h"
#include "seal/manifest_store.h"
#include "seal_fixture.h"

#include "base/banned.h"

#define JOB "uid"

/* at: the snapshot that it begins with. */
static struct committer *committer_at(struct seal_fixture *s, int64_t attempt, const char *pod,
                                      const struct manifest_ref *at)
{
    const struct committer_id id = {
        .job_namespace = "ml", .job = "digits", .job_uid = JOB, .pod_uid = pod, .attempt = attempt};
    struct seal_context seal;
    struct head head;
    struct manifest base = {.kind = NULL};
    version_on_free = stored_free;
    assert_int_equal(seal_open(&seal, &s->bucket->fake.config, "gs://bucket/set/", &s->keys, &s->bucket->e),
                     0);
    assert_int_equal(head_read(&seal, &head, &s->bucket->e), 0);
    if (at == NULL)
        at = &head.manifest;
    if (at->name != NULL)
        assert_int_equal(ancestry_read(&seal, JOB, at, &base, &s->bucket->e), 0);
    for (size_t i = 0; i < base.count; i++)
        assert_non_null(base.entries[i].folder); /* else it would be looked for beside a later manifest */
    return committer_new(&id, &seal, &head, &base);
}

/* It begins with what HEAD leads to. */
static struct committer *committer_of(struct seal_fixture *s, int64_t attempt, const char *pod)
{
    return committer_at(s, attempt, pod, NULL);
}

/* Commits a listing of that one file, which is stored first. */
static int commit(struct seal_fixture *s, struct committer *c, const char *path)
{
    struct listing *l = listing_new(true, path);
    struct version *v = version_new(path);
    int fd = make_file(s, path, view_from(path));
    v->object = committer_store(c, path, fd, strlen(path), &s->bucket->e);
    assert_non_null(v->object);
    close(fd);
    v->state = VERSION_READ;
    v->is_declared = true;
    listing_add(l, path, v, NULL, NULL);
    version_release(v);
    struct manifest m = {.kind = NULL};
    int result = committer_commit(c, l, &m, &s->bucket->e);
    manifest_fini(&m);
    listing_free(l);
    return result;
}

static void must_commit(struct seal_fixture *s, struct committer *c, const char *path)
{
    if (commit(s, c, path) == 0)
        return;
    char *text CLEANUP(cleanup_free) = err_text(&s->bucket->e);
    fail_msg("%s", text);
}

/* Sequences from HEAD to the beginning: "3 2 1". */
static void must_be_chain(struct seal_fixture *s, const char *expected)
{
    struct head head;
    struct strbuf text = STRBUF(256);
    assert_int_equal(head_read(&s->c, &head, &s->bucket->e), 0);
    struct manifest_ref at = manifest_ref_copy(&head.manifest);
    while (at.name != NULL) {
        struct manifest m;
        assert_int_equal(ancestry_read(&s->c, JOB, &at, &m, &s->bucket->e), 0);
        strbuf_addf(&text, "%s%lld", text.len > 0 ? " " : "", (long long)m.sequence);
        manifest_ref_fini(&at);
        at = manifest_ref_copy(&m.parent);
        manifest_fini(&m);
    }
    assert_string_equal(strbuf_text(&text), expected);
    strbuf_fini(&text);
    head_fini(&head);
}

static struct strbuf head_text(struct seal_fixture *s)
{
    struct strbuf text = STRBUF(4096);
    const struct fake_object *o = fake_bucket_find(&s->bucket->fake, "set/HEAD");
    strbuf_add_view(&text, strbuf_view(&o->bytes));
    return text;
}

/* ---- calls whose outcome is not known ---- */
static void lose_all(struct seal_fixture *s, const char *match)
{
    s->bucket->fake.config.retry.total_ms = 1;
    s->bucket->fake.faults[0] = (struct fake_fault){.match = match, .times = 100, .after = lose_reply};
}

static void must_go_on_after(struct seal_fixture *s, const char *match, const char *chain)
{
    struct committer *c = committer_of(s, 1, "pod");
    must_commit(s, c, "a-1");
    lose_all(s, match);
    assert_int_equal(commit(s, c, "a-2"), -1);
    assert_true(err_code_is_retryable(s->bucket->e.code));
    err_fini(&s->bucket->e);
    s->bucket->fake.faults[0] = (struct fake_fault){.match = NULL};
    must_commit(s, c, "a-3");
    must_be_chain(s, chain);
    committer_free(c);
}

static void goes_on_after_a_manifest_whose_reply_was_lost(void **state)
{
    must_go_on_after(*state, "manifest", "3 1");
}

/* It was moved all the same: the next one builds on it, and has another number. */
static void goes_on_after_a_move_whose_reply_was_lost(void **state)
{
    must_go_on_after(*state, "HEAD", "3 2 1");
}

static void what_a_failed_commit_would_displace_stays(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *c = committer_of(s, 1, "one");
    must_commit(s, c, "best");
    committer_free(c);
    c = committer_of(s, 2, "two");
    s->bucket->fake.config.retry.total_ms = 1;
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "manifest", .times = 100, .status = 503};
    assert_int_equal(commit(s, c, "best"), -1);
    err_fini(&s->bucket->e);
    s->bucket->fake.faults[0] = (struct fake_fault){.match = NULL};
    must_commit(s, c, "last");
    struct manifest m;
    assert_int_equal(ancestry_read(&s->c, JOB, &committer_head(c)->manifest, &m, &s->bucket->e), 0);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.entries[0].path, "best");
    assert_int_equal(m.entries[0].attempt, 1);
    manifest_fini(&m);
    committer_free(c);
}

/* The paths of the newest snapshot. */
static void must_consist_of(struct seal_fixture *s, const struct committer *c, const char *expected)
{
    struct manifest m;
    struct strbuf text = STRBUF(256);
    assert_int_equal(ancestry_read(&s->c, JOB, &committer_head(c)->manifest, &m, &s->bucket->e), 0);
    for (size_t i = 0; i < m.count; i++)
        strbuf_addf(&text, "%s%s", i > 0 ? " " : "", m.entries[i].path);
    assert_string_equal(strbuf_text(&text), expected);
    strbuf_fini(&text);
    manifest_fini(&m);
}

static void must_be_built_on(struct seal_fixture *s, const struct committer *c, int attempt, int sequence)
{
    struct manifest m;
    assert_int_equal(ancestry_read(&s->c, JOB, &committer_head(c)->manifest, &m, &s->bucket->e), 0);
    assert_int_equal(m.base.attempt, attempt);
    assert_int_equal(m.base.sequence, sequence);
    manifest_fini(&m);
}

/* ---- who else moves HEAD ---- */
static void what_an_older_attempt_commits_late_is_built_upon(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *old = committer_of(s, 1, "old");
    must_commit(s, old, "a");
    struct committer *newer = committer_of(s, 2, "new");
    must_commit(s, old, "b");
    must_commit(s, newer, "c");
    must_consist_of(s, newer, "b c");
    must_be_built_on(s, newer, 1, 2);
    must_be_chain(s, "1 2 1");
    committer_free(old);
    committer_free(newer);
}

/* An attempt that began with an older snapshot does not come back to the newer ones. */
static void but_not_by_who_began_with_an_older_snapshot(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *old = committer_of(s, 1, "old");
    must_commit(s, old, "a");
    struct manifest_ref first = manifest_ref_copy(&committer_head(old)->manifest);
    must_commit(s, old, "b");
    struct committer *newer = committer_at(s, 2, "new", &first);
    must_commit(s, old, "c");
    must_commit(s, newer, "d");
    must_consist_of(s, newer, "a d");
    must_be_built_on(s, newer, 1, 1);
    must_be_chain(s, "1 3 2 1");
    manifest_ref_fini(&first);
    committer_free(old);
    committer_free(newer);
}

static void a_newer_attempt_overrules(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *old = committer_of(s, 1, "old"), *newer = committer_of(s, 2, "new");
    must_commit(s, old, "a-1");
    must_commit(s, newer, "a-2");
    assert_int_equal(commit(s, old, "a-3"), -1);
    assert_int_equal(s->bucket->e.code, ERR_SUPERSEDED);
    err_fini(&s->bucket->e);
    must_be_chain(s, "1 1");
    committer_free(old);
    committer_free(newer);
}

static void another_pod_of_the_attempt_overrules(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *one = committer_of(s, 1, "one"), *two = committer_of(s, 1, "two");
    must_commit(s, two, "a-1");
    assert_int_equal(commit(s, one, "a-2"), -1);
    assert_int_equal(s->bucket->e.code, ERR_SUPERSEDED);
    err_fini(&s->bucket->e);
    committer_free(one);
    committer_free(two);
}

/* Whoever can write to the bucket can put an old HEAD there, or one that says anything. */
static void a_head_that_was_rolled_back_is_moved_over(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *c = committer_of(s, 1, "pod");
    must_commit(s, c, "a-1");
    struct strbuf first = head_text(s);
    must_commit(s, c, "a-2");
    fake_bucket_put(&s->bucket->fake, "set/HEAD", strbuf_view(&first));
    must_commit(s, c, "a-3");
    must_be_chain(s, "3 2 1");
    strbuf_fini(&first);
    committer_free(c);
}

static void a_head_that_was_removed_is_written_again(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *c = committer_of(s, 1, "pod");
    must_commit(s, c, "a-1");
    fake_bucket_delete(&s->bucket->fake, "set/HEAD");
    must_commit(s, c, "a-2");
    must_be_chain(s, "2 1");
    committer_free(c);
}

static void a_head_of_a_forged_attempt_is_tampered_with(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *c = committer_of(s, 1, "pod");
    must_commit(s, c, "a-1");
    struct strbuf text = head_text(s), forged = STRBUF(4096);
    const char *all = strbuf_text(&text), *attempt = strstr(all, "\"attempt\":1");
    assert_non_null(attempt);
    strbuf_addf(&forged, "%.*s\"attempt\":99%s", (int)(attempt - all), all,
                attempt + strlen("\"attempt\":1"));
    fake_bucket_put(&s->bucket->fake, "set/HEAD", strbuf_view(&forged));
    assert_int_equal(commit(s, c, "a-2"), -1);
    assert_int_equal(s->bucket->e.code, ERR_DATA_TAMPERED);
    err_fini(&s->bucket->e);
    strbuf_fini(&text);
    strbuf_fini(&forged);
    committer_free(c);
}

static void a_head_of_a_manifest_that_nobody_wrote_is_tampered_with(void **state)
{
    struct seal_fixture *s = *state;
    struct committer *c = committer_of(s, 1, "pod"), *other = committer_of(s, 1, "pod");
    must_commit(s, c, "a-1");
    char *name CLEANUP(cleanup_free) = seal_object_name(&s->c, committer_head(c)->manifest.name);
    flip(fake_bucket_find(&s->bucket->fake, name), 60);
    assert_int_equal(commit(s, other, "a-2"), -1);
    assert_int_equal(s->bucket->e.code, ERR_DATA_TAMPERED);
    err_fini(&s->bucket->e);
    committer_free(c);
    committer_free(other);
}

/* HEAD leads to a manifest that this keyset has sealed, too. */
static void point_head_at(struct seal_fixture *s, const char *kind, const char *job_uid)
{
    struct manifest m = {.kind = xstrdup(kind),
                         .job_namespace = xstrdup("ml"),
                         .job = xstrdup("digits"),
                         .job_uid = xstrdup(job_uid),
                         .pod_uid = xstrdup("old"),
                         .attempt = 1,
                         .sequence = 9,
                         .name = xstrdup("a-9"),
                         .time = xstrdup("")};
    struct head head;
    manifest_make_id(m.id);
    char *folder CLEANUP(cleanup_free) = xasprintf("1/%s", m.id);
    assert_int_equal(head_read(&s->c, &head, &s->bucket->e), 0);
    manifest_ref_fini(&head.manifest);
    assert_int_equal(manifest_write(&s->c, &m, folder, &head.manifest, &s->bucket->e), 0);
    assert_int_equal(head_move(&s->c, &head, &s->bucket->e), 0);
    head_fini(&head);
    manifest_fini(&m);
}

static void must_be_swapped(struct seal_fixture *s, const char *kind, const char *job_uid)
{
    struct committer *c = committer_of(s, 1, "old");
    must_commit(s, c, "a-1");
    struct committer *next = committer_of(s, 2, "new");
    point_head_at(s, kind, job_uid);
    assert_int_equal(commit(s, next, "a-2"), -1);
    assert_int_equal(s->bucket->e.code, ERR_DATA_SWAPPED);
    err_fini(&s->bucket->e);
    committer_free(c);
    committer_free(next);
}

static void a_head_of_another_job_is_refused(void **state)
{
    must_be_swapped(*state, "checkpoint", "another");
}

static void a_head_of_an_output_is_refused(void **state)
{
    must_be_swapped(*state, "output", JOB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAL_TEST(goes_on_after_a_manifest_whose_reply_was_lost),
        SEAL_TEST(goes_on_after_a_move_whose_reply_was_lost),
        SEAL_TEST(what_a_failed_commit_would_displace_stays),
        SEAL_TEST(what_an_older_attempt_commits_late_is_built_upon),
        SEAL_TEST(but_not_by_who_began_with_an_older_snapshot),
        SEAL_TEST(a_newer_attempt_overrules),
        SEAL_TEST(another_pod_of_the_attempt_overrules),
        SEAL_TEST(a_head_that_was_rolled_back_is_moved_over),
        SEAL_TEST(a_head_that_was_removed_is_written_again),
        SEAL_TEST(a_head_of_a_forged_attempt_is_tampered_with),
        SEAL_TEST(a_head_of_another_job_is_refused),
        SEAL_TEST(a_head_of_an_output_is_refused),
        SEAL_TEST(a_head_of_a_manifest_that_nobody_wrote_is_tampered_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
