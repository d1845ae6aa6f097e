/* checkpoint/snapshot.h: what the next manifest consists of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/view.h"
#include "checkpoint/snapshot.h"

#include "base/banned.h"

/*
 * Files are words "PATH@SEQUENCE"; with a flag before it: "+" declared, "!" freed by the agent. A part before
 * ":" is the directory that is one checkpoint: "+d:d/a@2". What comes out is written the same way, without
 * flags.
 */
struct word {
    char *path, *entry;
    bool is_declared, is_freed;
    int64_t sequence;
};

static struct word parse(struct view text)
{
    struct word w = {.entry = NULL};
    struct view rest;
    uint64_t sequence = 0;
    w.is_declared = view_has_prefix(text, "+");
    w.is_freed = view_has_prefix(text, "!");
    if (w.is_declared || w.is_freed)
        text = view_skip(text, 1);
    w.is_declared = w.is_declared || w.is_freed;
    if (memchr(text.ptr, ':', text.len) != NULL)
        w.entry = view_dup(view_cut(text, ':', &text));
    w.path = view_dup(view_cut(text, '@', &rest));
    (void)view_to_u64(rest, &sequence);
    w.sequence = (int64_t)sequence;
    return w;
}

static bool next_word(struct view *rest, struct word *ret)
{
    *rest = view_trim(*rest);
    if (rest->len == 0)
        return false;
    *ret = parse(view_cut(*rest, ' ', rest));
    return true;
}

/* Of attempt 1. */
static struct manifest base_of(const char *words)
{
    struct manifest m = {.attempt = 1, .sequence = 100};
    struct word w;
    for (struct view rest = view_from(words); next_word(&rest, &w);) {
        struct manifest_entry entry = {.path = w.path,
                                       .group = w.entry,
                                       .folder = xstrdup("1/id"),
                                       .is_declared = w.is_declared,
                                       .attempt = 1,
                                       .sequence = w.sequence};
        manifest_add_entry(&m, &entry);
    }
    return m;
}

static struct listing *listing_of(const char *words)
{
    struct listing *l = listing_new(true, "");
    struct word w;
    for (struct view rest = view_from(words); next_word(&rest, &w);) {
        struct version *v = version_new(w.path);
        struct stored *s = xcalloc(1, sizeof(*s));
        s->entry = (struct manifest_entry){.path = xstrdup(w.path), .folder = xstrdup("2/id")};
        s->sequence = w.sequence;
        v->state = VERSION_READ;
        v->is_declared = w.is_declared;
        v->is_freed = w.is_freed;
        v->object = s;
        listing_add(l, w.path, v, NULL, w.entry);
        version_release(v);
        free(w.path);
        free(w.entry);
    }
    listing_sort(l);
    return l;
}

static void add_text(struct strbuf *text, const struct manifest_entry *e)
{
    strbuf_addf(text, "%s%s%s%s@%lld.%lld", text->len > 0 ? " " : "", e->group != NULL ? e->group : "",
                e->group != NULL ? ":" : "", e->path, (long long)e->attempt, (long long)e->sequence);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct manifest_entry *)a)->path, ((const struct manifest_entry *)b)->path);
}

/* The snapshot of sequence 200 of attempt 2 from that base and that listing. */
static void check(const char *base, const char *listing, const char *expected)
{
    struct manifest from = base_of(base), next = {.attempt = 2, .sequence = 200};
    struct listing *l = listing_of(listing);
    struct strbuf text = STRBUF(4096);
    version_on_free = stored_free;
    snapshot_make(&from, l, SNAPSHOT_KEEP, &next);
    if (next.count > 0)
        qsort(next.entries, next.count, sizeof(*next.entries), compare_paths);
    for (size_t i = 0; i < next.count; i++)
        add_text(&text, &next.entries[i]);
    assert_string_equal(strbuf_text(&text), expected);
    strbuf_fini(&text);
    listing_free(l);
    manifest_fini(&from);
    manifest_fini(&next);
}

static void begins_with_the_whole_snapshot_before(void **state)
{
    (void)state;
    check("+a@1 b@2", "+c@0", "a@1.1 b@1.2 c@2.200");
    check("+a@1", "", "a@1.1");
}

static void a_name_that_is_written_again_replaces_the_one_before(void **state)
{
    (void)state;
    check("+a@1", "+a@0", "a@2.200");
    check("+d:d/a@1 +d:d/b@1", "+d:d/a@0", "d:d/a@2.200");
}

static void a_settled_file_does_not_displace_a_declared_directory(void **state)
{
    (void)state;
    check("+d:d/a@1 +d:d/b@1", "d/a@0", "d:d/a@1.1 d:d/b@1.1");
    check("d/a@1", "+d:d/b@0", "d:d/b@2.200");
}

static void a_declared_file_stands_in_a_directory_of_an_attempt_before(void **state)
{
    (void)state;
    check("+d:d/a@1 +d:d/b@1", "+d/b@0 +d/c@0", "d:d/a@1.1 d/b@2.200 d/c@2.200");
    check("+:.metadata@1 +:s@1", "+step-2@0", ":.metadata@1.1 :s@1.1 step-2@2.200");
}

static void no_path_is_there_twice(void **state)
{
    (void)state;
    check("+d/e:d/e/a@1 +d/f@1", "+d:d/e/a@0", "d:d/e/a@2.200");
    check("+d:d/b@1 +d:d/e/a@1", "+d/e:d/e/a@0", "d:d/b@1.1 d/e:d/e/a@2.200");
}

static void no_path_is_a_file_and_a_directory(void **state)
{
    (void)state;
    check("+best@1 +best-2@1", "+best:best/x@0", "best-2@1.1 best:best/x@2.200");
    check("+best:best/x@1 +best-2@1", "+best@0", "best@2.200 best-2@1.1");
    check("a/b/c@1", "+a@0", "a@2.200");
    check("+best:best/x@1", "best@0", "best:best/x@1.1");
}

static void an_entry_leaves_when_three_newer_ones_of_its_series_stand_there(void **state)
{
    (void)state;
    check("+step-1@1 +best@1", "+step-2@0 +step-3@0", "best@1.1 step-1@1.1 step-2@2.200 step-3@2.200");
    check("+step-1@1 +best@1", "+step-2@0 +step-3@0 +step-4@0",
          "best@1.1 step-2@2.200 step-3@2.200 step-4@2.200");
    check("+step-1@1 +step-2@2 +step-3@3 +step-4@4", "", "step-2@1.2 step-3@1.3 step-4@1.4");
    check("+c-1:c-1/a@1 +c-1:c-1/b@1", "+c-2:c-2/a@0 +c-3:c-3/a@0 +c-4:c-4/a@0",
          "c-2:c-2/a@2.200 c-3:c-3/a@2.200 c-4:c-4/a@2.200");
}

static void order_is_lineage_and_not_the_number_in_the_name(void **state)
{
    (void)state;
    check("+m-9@1 +m-8@2 +m-7@3 +m-6@4", "", "m-6@1.4 m-7@1.3 m-8@1.2");
}

static void what_only_settled_does_not_make_a_declared_one_leave(void **state)
{
    (void)state;
    check("+step-1@1", "step-2@0 step-3@0 step-4@0", "step-1@1.1 step-2@2.200 step-3@2.200 step-4@2.200");
    check("step-1@1", "step-2@0 step-3@0 step-4@0", "step-2@2.200 step-3@2.200 step-4@2.200");
}

static void what_the_program_keeps_itself_stays(void **state)
{
    (void)state;
    check("", "+s-1@1 +s-2@2 +s-3@3 +s-4@4", "s-1@2.1 s-2@2.2 s-3@2.3 s-4@2.4");
}

static void what_the_agent_freed_leaves_by_the_same_rule(void **state)
{
    (void)state;
    check("", "!s-1@1 +s-2@2 +s-3@3", "s-1@2.1 s-2@2.2 s-3@2.3");
    check("", "!s-1@1 +s-2@2 +s-3@3 +s-4@4", "s-2@2.2 s-3@2.3 s-4@2.4");
}

static void an_entry_says_that_it_was_declared_and_where_it_is_stored(void **state)
{
    struct manifest base = {.attempt = 1}, next = {.attempt = 2, .sequence = 1};
    struct listing *l = listing_of("+b@0 c@0");
    (void)state;
    free(l->items[0].path);
    l->items[0].path = xstrdup("a"); /* renamed after it was stored */
    snapshot_make(&base, l, SNAPSHOT_KEEP, &next);
    assert_int_equal(next.count, 2);
    assert_string_equal(next.entries[0].path, "a");
    assert_string_equal(next.entries[0].stored_path, "b");
    assert_true(next.entries[0].is_declared);
    assert_null(next.entries[1].stored_path);
    assert_false(next.entries[1].is_declared);
    listing_free(l);
    manifest_fini(&next);
}

/* Each file has one page, and its records would fit by themselves. */
static void check_fit(const char *words, uint64_t pages, size_t removed, const char *expected)
{
    struct manifest m = base_of(words);
    struct strbuf text = STRBUF(4096);
    struct footprint_room room = {
        .volume_bytes = (pages + 3) * 4096, .record_bytes = 1 << 20, .used = {.page_bytes = 3 * 4096}};
    for (size_t i = 0; i < m.count; i++)
        m.entries[i].sealed.plain_bytes = 10;
    assert_int_equal(snapshot_fit(&m, &room), removed);
    for (size_t i = 0; i < m.count; i++)
        add_text(&text, &m.entries[i]);
    assert_string_equal(strbuf_text(&text), expected);
    strbuf_fini(&text);
    manifest_fini(&m);
}

static void older_checkpoints_are_left_out_where_there_is_no_room(void **state)
{
    static const char ALL[] = "+c-1:c-1/a@1 +c-1:c-1/b@1 +c-2:c-2/a@2 +c-3:c-3/a@3 +tokenizer@1";
    (void)state;
    check_fit(ALL, 5, 0, "c-1:c-1/a@1.1 c-1:c-1/b@1.1 c-2:c-2/a@1.2 c-3:c-3/a@1.3 tokenizer@1.1");
    check_fit(ALL, 4, 1, "c-2:c-2/a@1.2 c-3:c-3/a@1.3 tokenizer@1.1");
    check_fit(ALL, 2, 2, "c-3:c-3/a@1.3 tokenizer@1.1");
    check_fit(ALL, 0, 2, "c-3:c-3/a@1.3 tokenizer@1.1");
}

/* A fast program makes several between two commits. */
static void of_checkpoints_of_one_snapshot_the_one_that_was_written_last_stays(void **state)
{
    struct manifest m = base_of("+c-1:c-1/a@1 +c-1:c-1/b@1 +c-2:c-2/a@1 +c-3:c-3/a@1");
    static const int64_t MODIFIED[] = {1, 4, 3, 2};
    const struct footprint_room none = {.volume_bytes = 0};
    (void)state;
    for (size_t i = 0; i < m.count; i++)
        m.entries[i].modified_ns = MODIFIED[i];
    assert_int_equal(snapshot_fit(&m, &none), 2);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.entries[0].path, "c-1/a");
    assert_string_equal(m.entries[1].path, "c-1/b");
    manifest_fini(&m);
}

/* Two inodes for each file of a directory of its own, and one for each link. */
static void the_footprint_counts_files_directories_and_links(void **state)
{
    struct manifest m = base_of("+c-1:c-1/a@1 +c-1:c-1/b@1 +tokenizer@1");
    struct footprint one = {.files = 0};
    (void)state;
    m.entries[2].link = xstrdup("c-1/a");
    for (size_t i = 0; i < 2; i++)
        m.entries[i].sealed.plain_bytes = 4097;
    footprint_add_file(&one, "x", NULL, 0, 0);
    const struct footprint all = snapshot_footprint(&m);
    assert_int_equal(all.files, 3);
    assert_int_equal(all.page_bytes, 4 * 4096);
    assert_true(all.record_bytes > 4 * one.record_bytes + 3 * sizeof(struct manifest_entry));
    manifest_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_whole_snapshot_before),
        cmocka_unit_test(a_name_that_is_written_again_replaces_the_one_before),
        cmocka_unit_test(a_settled_file_does_not_displace_a_declared_directory),
        cmocka_unit_test(a_declared_file_stands_in_a_directory_of_an_attempt_before),
        cmocka_unit_test(no_path_is_there_twice),
        cmocka_unit_test(no_path_is_a_file_and_a_directory),
        cmocka_unit_test(an_entry_leaves_when_three_newer_ones_of_its_series_stand_there),
        cmocka_unit_test(order_is_lineage_and_not_the_number_in_the_name),
        cmocka_unit_test(what_only_settled_does_not_make_a_declared_one_leave),
        cmocka_unit_test(what_the_program_keeps_itself_stays),
        cmocka_unit_test(what_the_agent_freed_leaves_by_the_same_rule),
        cmocka_unit_test(an_entry_says_that_it_was_declared_and_where_it_is_stored),
        cmocka_unit_test(older_checkpoints_are_left_out_where_there_is_no_room),
        cmocka_unit_test(of_checkpoints_of_one_snapshot_the_one_that_was_written_last_stays),
        cmocka_unit_test(the_footprint_counts_files_directories_and_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
