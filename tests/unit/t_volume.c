/* volume/volume.h: which states of a program's directory are committed, told as short scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/view.h"
#include "volume/commits.h"
#include "volume/path_names.h"

#include "base/banned.h"

/*
 * A script is a list of words, one after the other:
 *   write PATH   close PATH   put PATH (both)   move FROM TO   movedir FROM TO   delete PATH   name PATH
 *   wait SECONDS (with a look and a commit each second)   held PATH (another process still writes it)
 *   slow (versions are not read until) fast   begin (the next version is opened)   finish (it was read)
 *   exit0 / exit1
 * What is expected is what stands in the last commit: "declared NAME: PATH PATH" or "settled: PATH"; "" = no
 * commit.
 */
struct scene {
    struct volume *v;
    int64_t now_ms;
    bool is_slow, has_ended;
    char *held;
    struct version *begun;
    char last[1024];
};

static void read_all(struct scene *s)
{
    struct version *next;
    while (!s->is_slow && (next = volume_unread(s->v)) != NULL) {
        bool is_held = s->held != NULL && strcmp(s->held, next->path) == 0;
        next->state = is_held ? VERSION_HELD : VERSION_READ;
        volume_were_read(s->v, s->now_ms);
    }
}

static void commit_due(struct scene *s)
{
    const struct listing *due;
    if (!s->has_ended)
        volume_tick(s->v, s->now_ms);
    read_all(s);
    while ((due = volume_due(s->v, s->now_ms)) != NULL) {
        struct strbuf text = STRBUF(sizeof(s->last) - 1);
        strbuf_addf(&text, due->is_declared ? "declared %s:" : "settled:", due->name);
        for (size_t i = 0; i < due->count; i++)
            strbuf_addf(&text, " %s", due->items[i].path);
        (void)snprintf(s->last, sizeof(s->last), "%s", strbuf_text(&text));
        strbuf_fini(&text);
        volume_committed(s->v);
        read_all(s);
    }
}

static void apply(struct scene *s, enum change_kind kind, const char *path, const char *to, bool is_directory)
{
    (void)volume_apply(s->v, &(struct change){kind, path, to, is_directory, s->now_ms});
}

static void wait_seconds(struct scene *s, const char *seconds)
{
    uint64_t count = 0;
    assert_true(view_to_u64(view_from(seconds), &count));
    for (; count > 0; count--) {
        s->now_ms += 1000;
        commit_due(s);
    }
}

static void begin(struct scene *s)
{
    s->begun = version_share(volume_unread(s->v));
    s->begun->is_open = true;
}

static void finish(struct scene *s)
{
    s->begun->is_open = false;
    if (s->begun->state == VERSION_UNREAD)
        s->begun->state = VERSION_READ;
    version_release(s->begun);
    volume_were_read(s->v, s->now_ms);
    commit_due(s);
}

static char *next_word(struct view *rest)
{
    *rest = view_trim(*rest);
    return view_dup(view_cut(*rest, ' ', rest));
}

static void do_word(struct scene *s, const char *word, struct view *rest)
{
    static const struct {
        const char *word;
        enum change_kind kind;
    } CHANGES[] = {{"write", CHANGE_WRITTEN},
                   {"close", CHANGE_CLOSED},
                   {"delete", CHANGE_DELETED},
                   {"name", CHANGE_NAMED}};
    if (strcmp(word, "slow") == 0 || strcmp(word, "fast") == 0) {
        s->is_slow = strcmp(word, "slow") == 0;
        commit_due(s);
        return;
    }
    if (strcmp(word, "begin") == 0 || strcmp(word, "finish") == 0) {
        (*word == 'b' ? begin : finish)(s);
        return;
    }
    if (strncmp(word, "exit", 4) == 0) {
        volume_end(s->v, strcmp(word, "exit0") == 0, s->now_ms);
        s->is_slow = false;
        s->has_ended = true;
        commit_due(s);
        return;
    }
    char *path = next_word(rest);
    for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++)
        if (strcmp(word, CHANGES[i].word) == 0)
            apply(s, CHANGES[i].kind, path, NULL, false);
    if (strcmp(word, "put") == 0) {
        apply(s, CHANGE_WRITTEN, path, NULL, false);
        apply(s, CHANGE_CLOSED, path, NULL, false);
    } else if (strncmp(word, "move", 4) == 0) {
        char *to CLEANUP(cleanup_free) = next_word(rest);
        apply(s, CHANGE_MOVED, path, to, strcmp(word, "movedir") == 0);
    } else if (strcmp(word, "wait") == 0) {
        wait_seconds(s, path);
    } else if (strcmp(word, "held") == 0) {
        free(s->held);
        s->held = xstrdup(path);
    }
    free(path);
}

static void check(const char *script, const char *expected)
{
    struct scene s = {.v = volume_new(), .now_ms = 1000};
    for (struct view rest = view_from(script); view_trim(rest).len > 0;) {
        char *word CLEANUP(cleanup_free) = next_word(&rest);
        do_word(&s, word, &rest);
    }
    volume_free(s.v);
    free(s.held);
    assert_string_equal(s.last, expected);
}

/* ---- declared ---- */
static void what_is_declared_in_a_declared_directory_shows_at_once(void **state)
{
    (void)state;
    check("put run/a name run wait 1 put run/.t move run/.t run/b wait 11", "declared run/b: run/a run/b");
    check("put run/a name run wait 1 put run/.t/x movedir run/.t run/c-1 wait 11",
          "declared run/c-1: run/a run/c-1/x");
    check("put run/a name run put run/b name run/b wait 11", "declared run/b: run/a run/b");
    check("put run/a name run put run/b wait 30", "declared run: run/a");
    check(
        "put run/a name run put run/.t move run/.t run/b wait 1 delete run/b put x.tmp move x.tmp x wait 11",
        "declared x: run/a x");
    check("put run/a name run put run/.t move run/.t run/b delete run/a put run/c name run wait 11",
          "declared run: run/b run/c");
}

static void the_whole_directory_may_be_declared(void **state)
{
    (void)state;
    check("put s0 put s1 put .metadata wait 1", "declared .: .metadata s0 s1");
    check("put s0 put .metadata wait 1 put b.tmp move b.tmp best wait 11",
          "declared best: .metadata best s0");
    check("put s0 put .metadata wait 1 put s0 wait 30", "declared .: .metadata s0");
    check("put s0 put .metadata wait 1 put log put s1 put .metadata wait 11",
          "declared .: .metadata log s0 s1");
}

static void what_is_being_read_may_be_removed(void **state)
{
    (void)state;
    check("slow put a.tmp move a.tmp s-1 wait 1 begin put a.tmp move a.tmp s-2 delete s-1 wait 1 finish",
          "declared s-1: s-1");
    check("slow put a.tmp move a.tmp s-1 wait 1 begin put a.tmp move a.tmp s-2 delete s-1 wait 1 finish wait "
          "10 fast",
          "declared s-2: s-1 s-2");
    check("slow put a.tmp move a.tmp s-1 wait 1 put a.tmp move a.tmp s-2 delete s-1 wait 1 fast",
          "declared s-2: s-2");
    check("slow put a name a wait 1 begin write a wait 1 finish", "");
}

static void what_is_deleted_right_after_an_act_holds_nothing_up(void **state)
{
    (void)state;
    check("slow put a.tmp move a.tmp s-1 put a.tmp move a.tmp s-2 delete s-1 wait 1 fast",
          "declared s-2: s-2");
    check("slow put a.tmp/x movedir a.tmp s-1 put a.tmp/x movedir a.tmp s-2 delete s-1/x delete s-1 wait 1 "
          "fast",
          "declared s-2: s-2/x");
    check("slow put s-1 put a.tmp move a.tmp s-2 delete s-1 wait 1 fast", "");
    check("slow put a.tmp move a.tmp s-1 put a.tmp move a.tmp s-2 put x delete s-1 wait 1 fast", "");
    check("slow put a.tmp move a.tmp s-1 put a.tmp move a.tmp s-2 delete s-2 wait 1 fast",
          "declared s-1: s-1");
}

static void what_an_act_has_declared_is_in_its_commit(void **state)
{
    (void)state;
    check("slow put c/a put c/.metadata put c/a put c/.metadata wait 1 fast", "declared c: c/.metadata c/a");
    check("slow put c/a put c/.metadata write c/a wait 1 fast", "");
}

static void the_newest_is_read_first_once_the_program_has_ended(void **state)
{
    (void)state;
    check("slow put a.tmp move a.tmp s-1 wait 1 put a.tmp move a.tmp s-2 delete s-1 wait 1 exit1",
          "declared s-2: s-2");
    check("slow put a.tmp move a.tmp s-1 wait 1 put a.tmp move a.tmp s-2 wait 1 write s-2 exit1",
          "declared s-1: s-1");
}

static void what_may_be_lost_soon_is_read_first(void **state)
{
    static const char *const ORDER[] = {"log", "s-9", "s-10"};
    struct volume *v = volume_new();
    struct scene s = {.v = v, .now_ms = 1000, .is_slow = true};
    (void)state;
    for (struct view rest = view_from("put log put s-9 put s-10 put log name s-10"); rest.len > 0;) {
        char *word CLEANUP(cleanup_free) = next_word(&rest);
        do_word(&s, word, &rest);
    }
    volume_tick(v, s.now_ms);
    for (size_t i = 0; i < ARRAY_LEN(ORDER); i++) {
        struct version *next = volume_unread(v);
        assert_string_equal(next->path, ORDER[i]);
        next->state = VERSION_READ;
    }
    volume_free(v);
}

static void a_part_that_was_lost_leaves_the_one_before(void **state)
{
    (void)state;
    check("put run/a put run/b name run wait 11 slow put run/.t move run/.t run/a write run/a put x.tmp move "
          "x.tmp x fast wait 11",
          "declared x: run/a run/b x");
}

static void a_file_renamed_into_place_is_committed_at_once(void **state)
{
    (void)state;
    check("put a.tmp move a.tmp a.pt wait 1", "declared a.pt: a.pt");
    check("put a.tmp move a.tmp a.pt wait 1 close a.pt wait 30", "declared a.pt: a.pt");
}

static void a_file_that_was_open_when_the_program_was_killed_is_not_committed(void **state)
{
    (void)state;
    check("put a.tmp move a.tmp a.pt wait 3 write b.pt wait 2 close b.pt exit1", "declared a.pt: a.pt");
    check("put a.tmp move a.tmp a.pt wait 3 write b.pt wait 2 close b.pt exit0", "declared b.pt: a.pt b.pt");
}

static void a_rename_that_came_before_the_watch_counts(void **state)
{
    (void)state;
    check("move d/a.tmp d/a.pt wait 1 exit1", "declared d/a.pt: d/a.pt");
}

static void a_rename_of_a_file_that_somebody_writes_declares_nothing(void **state)
{
    (void)state;
    check("write a.tmp move a.tmp a.pt wait 1 exit1", "");
    check("write tmp-5/a put tmp-5/b movedir tmp-5 c-5 wait 1 exit1", "");
    check("put a.tmp move a.tmp a.pt wait 1 exit1", "declared a.pt: a.pt");
}

static void a_rename_of_what_never_settled_declares_nothing(void **state)
{
    (void)state;
    check("put last.pt move last.pt prev.pt wait 2 exit1", "");
    check("put last.pt wait 22 move last.pt prev.pt wait 1 exit1", "declared prev.pt: prev.pt");
}

static void nothing_is_committed_before_it_was_read(void **state)
{
    (void)state;
    check("slow put a.tmp move a.tmp a.pt wait 1", "");
    check("slow put a.tmp move a.tmp a.pt wait 1 fast", "declared a.pt: a.pt");
}

static void what_was_closed_before_an_act_is_complete_with_it(void **state)
{
    (void)state;
    check("put config.json put a.tmp move a.tmp a.pt wait 1 exit1", "declared a.pt: a.pt config.json");
    check("put a.tmp move a.tmp a.pt put config.json wait 1 exit1", "declared a.pt: a.pt");
}

static void a_directory_counts_when_it_is_renamed_marked_or_named(void **state)
{
    (void)state;
    check("put tmp-5/a put tmp-5/b movedir tmp-5 ckpt-5 wait 1 exit1", "declared ckpt-5: ckpt-5/a ckpt-5/b");
    check("put d/a put d/.metadata wait 1 exit1", "declared d: d/.metadata d/a");
    check("put d/a put d/b name d wait 1 exit1", "declared d: d/a d/b");
    check("put d/a put d/b wait 1 exit1", "");
}

static void a_marker_does_not_declare_what_is_still_written(void **state)
{
    (void)state;
    check("write d/a put d/.metadata wait 1 exit1", "");
    check("put d/a put d/.metadata wait 1 exit1", "declared d: d/.metadata d/a");
}

static void a_declared_directory_stays_as_it_was_until_it_is_declared_again(void **state)
{
    (void)state;
    check("put d/a put d/.metadata wait 1 put d/b wait 30 exit1", "declared d: d/.metadata d/a");
    check("put d/a put d/.metadata wait 1 put d/b put d/.metadata wait 11 exit1",
          "declared d: d/.metadata d/a d/b");
}

static void exit_code_zero_declares_all_that_was_closed(void **state)
{
    (void)state;
    check("put a put b exit0", "declared b: a b");
    check("put a put b exit1", "");
}

/* ---- settled ---- */
static void files_written_in_one_burst_settle_together(void **state)
{
    (void)state;
    check("put ckpt-1.data put ckpt-1.index put checkpoint wait 14 exit1",
          "settled: checkpoint ckpt-1.data ckpt-1.index");
    check("put ckpt-1.data put ckpt-1.index put checkpoint wait 4 exit1", "");
    check("put a wait 5 put b wait 5 put c wait 4 exit1", "");
    check("put a wait 5 put b wait 5 put c wait 14 exit1", "settled: a b c");
}

static void the_ten_seconds_count_only_while_the_program_runs(void **state)
{
    (void)state;
    check("put a wait 8 exit1", "");
    check("put a wait 7 put b wait 8 exit1", "");
    check("put a.part put b wait 14 exit1", "settled: b");
    check("put a wait 14 exit1", "settled: a");
}

static void a_burst_without_end_ends_at_its_longest_pause(void **state)
{
    (void)state;
    check("put a1 put a2 wait 6 put b1 wait 3 put c1 wait 3 put c2 wait 3 put c3 wait 3 put c4 wait 3 put c5 "
          "wait 3 put c6 "
          "wait 3 put c7 wait 3 put c8 wait 3 put c9 wait 1 exit1",
          "settled: a1 a2");
}

static void a_log_that_is_written_each_second_delays_nobody(void **state)
{
    (void)state;
    check("put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put m put n wait 1 put "
          "log wait 1 put log "
          "wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 "
          "put log wait 1 "
          "put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log "
          "wait 1 put log "
          "wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 put log wait 1 exit1",
          "settled: log m n");
}

static void a_file_that_stays_open_delays_nobody(void **state)
{
    (void)state;
    check("write log put a.tmp move a.tmp a.pt wait 1 exit1", "declared a.pt: a.pt");
    check("write log wait 40 put a put b wait 14 exit1", "settled: a b");
}

static void a_file_that_another_process_holds_open_is_left_out(void **state)
{
    (void)state;
    check("held b put b put a.tmp move a.tmp a.pt wait 1 exit1", "declared a.pt: a.pt");
}

/* ---- a prefix of what the program did ---- */
static void a_deletion_takes_effect_with_what_came_before_it_only(void **state)
{
    (void)state;
    check("put a.tmp move a.tmp a.pt wait 1 put b delete a.pt wait 2 exit1", "declared a.pt: a.pt");
    check("put a.tmp move a.tmp a.pt wait 1 put b delete a.pt wait 14 exit1", "settled: b");
}

static void an_overwritten_file_keeps_its_version_until_the_new_one_is_complete(void **state)
{
    (void)state;
    check("put last.pt wait 14 write last.pt wait 3 put a.tmp move a.tmp a.pt wait 11 exit1",
          "declared a.pt: a.pt last.pt");
}

static void a_state_that_was_overwritten_before_it_was_read_is_overtaken(void **state)
{
    (void)state;
    check("slow put last.pt put a.tmp move a.tmp a.pt write last.pt fast wait 1 exit1", "");
    check("slow put last.pt put a.tmp move a.tmp a.pt fast write last.pt wait 1 exit1",
          "declared a.pt: a.pt last.pt");
    check("slow put last.pt put a.tmp move a.tmp a.pt put last.pt fast wait 14 exit1",
          "settled: a.pt last.pt");
}

static void an_entry_that_was_lost_holds_nothing_else_up(void **state)
{
    (void)state;
    check("slow put d/a put d/.metadata put d/a put e.tmp move e.tmp e.pt fast wait 1 exit1",
          "declared e.pt: e.pt");
}

/* ---- names ---- */
static void names_tell_what_is_temporary_and_which_step_it_is(void **state)
{
    (void)state;
    static const char *const TEMPORARY[] = {
        ".a",           "tmp-5", "a.tmp",  "a.temp",  "a.part",
        "a.incomplete", "a.pt~", "d/.x/a", "tmp-5/a", "ckpt.orbax-checkpoint-tmp-17/a"};
    static const char *const WHOLE[] = {"a", "a.pt", "tmp", "d/.metadata", ".metadata", "atmp-5", "a.tmpl"};
    for (size_t i = 0; i < ARRAY_LEN(TEMPORARY); i++)
        assert_true(path_is_temporary(TEMPORARY[i]));
    for (size_t i = 0; i < ARRAY_LEN(WHOLE); i++)
        assert_false(path_is_temporary(WHOLE[i]));
    assert_int_equal(path_step("run/epoch-12.ckpt"), 12);
    assert_int_equal(path_step("model.pt"), -1);
    assert_int_equal(path_step("checkpoint-0500"), 500);
    char *pattern CLEANUP(cleanup_free) = path_pattern("run1/ckpt-1200/a");
    assert_string_equal(pattern, "run#/ckpt-#/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_declared_in_a_declared_directory_shows_at_once),
        cmocka_unit_test(the_whole_directory_may_be_declared),
        cmocka_unit_test(what_is_being_read_may_be_removed),
        cmocka_unit_test(what_is_deleted_right_after_an_act_holds_nothing_up),
        cmocka_unit_test(what_an_act_has_declared_is_in_its_commit),
        cmocka_unit_test(the_newest_is_read_first_once_the_program_has_ended),
        cmocka_unit_test(what_may_be_lost_soon_is_read_first),
        cmocka_unit_test(a_part_that_was_lost_leaves_the_one_before),
        cmocka_unit_test(a_file_renamed_into_place_is_committed_at_once),
        cmocka_unit_test(a_file_that_was_open_when_the_program_was_killed_is_not_committed),
        cmocka_unit_test(a_rename_that_came_before_the_watch_counts),
        cmocka_unit_test(a_rename_of_a_file_that_somebody_writes_declares_nothing),
        cmocka_unit_test(a_rename_of_what_never_settled_declares_nothing),
        cmocka_unit_test(nothing_is_committed_before_it_was_read),
        cmocka_unit_test(what_was_closed_before_an_act_is_complete_with_it),
        cmocka_unit_test(a_directory_counts_when_it_is_renamed_marked_or_named),
        cmocka_unit_test(a_marker_does_not_declare_what_is_still_written),
        cmocka_unit_test(a_declared_directory_stays_as_it_was_until_it_is_declared_again),
        cmocka_unit_test(exit_code_zero_declares_all_that_was_closed),
        cmocka_unit_test(files_written_in_one_burst_settle_together),
        cmocka_unit_test(the_ten_seconds_count_only_while_the_program_runs),
        cmocka_unit_test(a_burst_without_end_ends_at_its_longest_pause),
        cmocka_unit_test(a_log_that_is_written_each_second_delays_nobody),
        cmocka_unit_test(a_file_that_stays_open_delays_nobody),
        cmocka_unit_test(a_file_that_another_process_holds_open_is_left_out),
        cmocka_unit_test(a_deletion_takes_effect_with_what_came_before_it_only),
        cmocka_unit_test(an_overwritten_file_keeps_its_version_until_the_new_one_is_complete),
        cmocka_unit_test(a_state_that_was_overwritten_before_it_was_read_is_overtaken),
        cmocka_unit_test(an_entry_that_was_lost_holds_nothing_else_up),
        cmocka_unit_test(names_tell_what_is_temporary_and_which_step_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
