/* The memory that files take in a memory volume, and whether a worker has it. */
#include "seal/footprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/input_room.h"

#include "base/banned.h"

#define MIB (UINT64_C(1) << 20)

static struct footprint of_files(uint64_t files, uint64_t bytes)
{
    struct footprint all = {.files = 0};
    for (uint64_t i = 0; i < files; i++)
        footprint_add_file(&all, "part", NULL, bytes, 0);
    return all;
}

static uint64_t records_of(const char *path, const char *previous, uint64_t bytes)
{
    struct footprint f = {.files = 0};
    footprint_add_file(&f, path, previous, bytes, 0);
    return f.record_bytes;
}

static void content_counts_in_whole_pages(void **state)
{
    static const uint64_t BYTES[][2] = {{0, 0}, {1, 4096}, {4096, 4096}, {4097, 8192}, {1 << 20, 1 << 20}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BYTES); i++) {
        struct footprint f = of_files(3, BYTES[i][0]);
        assert_int_equal(f.files, 3);
        assert_int_equal(f.content_bytes, 3 * BYTES[i][0]);
        assert_int_equal(f.page_bytes, 3 * BYTES[i][1]);
    }
}

static void each_directory_counts_once(void **state)
{
    uint64_t one = records_of("a", NULL, 0);
    (void)state;
    assert_in_range(one, 960, 1200);
    assert_int_equal(records_of("a/b/c", NULL, 0), 3 * one);
    assert_int_equal(records_of("a/b/c", "a/b/a", 0), one);
    assert_int_equal(records_of("a/b/c", "a/b", 0),
                     2 * one); /* a file of that name cannot be, but is no such directory */
    assert_int_equal(records_of("a/b/c", "a/a/c", 0), 2 * one);
    assert_int_equal(records_of("ab/c", "a/c", 0), 2 * one);
    assert_int_equal(records_of("b", "a/c", 0), one);
}

static void long_names_and_the_pages_of_larger_files_have_records(void **state)
{
    uint64_t one = records_of("a", NULL, 1);
    (void)state;
    assert_true(records_of("a-name-of-more-than-forty-bytes-is-kept-apart.npy", NULL, 1) >= one + 80);
    assert_int_equal(records_of("a", NULL, 4096), one);
    assert_int_equal(records_of("a", NULL, 4097), one + 592);
    assert_in_range(records_of("a", NULL, 32 * MIB) - one, 74000, 80000); /* 78,438 bytes were measured */
}

static void sums_stay_at_the_largest_number(void **state)
{
    struct footprint f = of_files(1, UINT64_MAX);
    struct footprint_room room = {.volume_bytes = UINT64_MAX / 2, .record_bytes = MIB};
    (void)state;
    assert_false(footprint_fits(&room, &f));
    footprint_add(&f, &f);
    assert_int_equal(f.content_bytes, UINT64_MAX);
    assert_int_equal(f.page_bytes, UINT64_MAX);
    assert_int_equal(footprint_needs(&room, &f), UINT64_MAX);
}

static void pages_need_the_volume_and_records_may_go_elsewhere(void **state)
{
    struct footprint f = {.files = 10, .page_bytes = 40960, .record_bytes = 10000};
    struct footprint_room room = {.volume_bytes = 40960, .record_bytes = 10000};
    (void)state;
    assert_true(footprint_fits(&room, &f));
    assert_int_equal(footprint_needs(&room, &f), 40960);
    room.record_bytes = 9999;
    assert_int_equal(footprint_needs(&room, &f), 40961);
    assert_false(footprint_fits(&room, &f));
    room.volume_bytes = 45000; /* what the volume is not needed for is there for records */
    assert_true(footprint_fits(&room, &f));
    room = (struct footprint_room){.volume_bytes = 40959, .record_bytes = MIB}; /* rounded up to a page */
    assert_true(footprint_fits(&room, &f));
    room.used = (struct footprint){.page_bytes = 1};
    assert_false(footprint_fits(&room, &f));
}

/* ---- the room of a worker ---- */
static struct footprint_room room_of(int64_t input_limit, int64_t agent_memory, int32_t connections)
{
    struct assignment a = ASSIGNMENT_NONE;
    a.input_limit_bytes = input_limit;
    a.agent_memory_bytes = agent_memory;
    a.connections = connections;
    return input_room_of(&a);
}

static void the_agent_has_room_for_records_beside_its_connections(void **state)
{
    struct assignment chart = ASSIGNMENT_NONE;
    (void)state;
    chart.connections = 8;
    assert_int_equal(input_room_of(&chart).record_bytes, 40 * MIB);
    assert_int_equal(room_of(7, 64 * (int64_t)MIB, 8).volume_bytes, 7);
    assert_int_equal(room_of(7, 64 * (int64_t)MIB, 8).record_bytes, 40 * MIB);
    assert_int_equal(room_of(7, 64 * (int64_t)MIB, 1).record_bytes, 54 * MIB);
    assert_int_equal(room_of(7, 2 * (int64_t)MIB, 64).record_bytes, MIB);
}

static void check_message(int64_t input_limit, const struct footprint *f, const char *message)
{
    struct footprint_room room = room_of(input_limit, 64 * (int64_t)MIB, 8);
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(input_room_check(&room, f, "gs://b/x", 4096, &e), message == NULL ? 0 : -1);
    if (message == NULL)
        return;
    assert_int_equal(e.code, ERR_INPUT_VOLUME_FULL);
    assert_string_equal(e.object, "gs://b/x");
    assert_string_equal(e.text, message);
}

static void says_how_many_files_there_are_and_what_they_need(void **state)
{
    struct footprint large = of_files(1, 3000000), pages = of_files(50000, 100), many = of_files(60000, 4096);
    (void)state;
    check_message(3000000, &large, NULL);
    check_message(
        2 << 20, &large,
        "staging.inputLimit is 2Mi, but the inputs and the restored checkpoint, 1 file with 3000000 "
        "bytes, need at least 3Mi; the largest file is gs://b/x with 4096 bytes");
    check_message(208 << 20, &pages, NULL);
    check_message(
        5000000, &pages,
        "staging.inputLimit is 5000000 bytes, but the inputs and the restored checkpoint, 50000 files "
        "with 5000000 bytes, need at least 205Mi (in whole pages of 4 KiB the files take 196Mi; the "
        "kernel and the agent need 49Mi more to keep track of them, of which the chart value "
        "worker.agentMemory provides 40Mi); the largest file is gs://b/x with 4096 bytes");
    check_message(240 << 20, &many,
                  "staging.inputLimit is 240Mi, but the inputs and the restored checkpoint, 60000 files with "
                  "245760000 bytes, need at least 253Mi (in whole pages of 4 KiB the files take 235Mi; the "
                  "kernel and the agent need 59Mi more to keep track of them, of which the chart value "
                  "worker.agentMemory provides 40Mi); the largest file is gs://b/x with 4096 bytes");
    check_message(253 << 20, &many, NULL);
    check_message(1 << 30, &many, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_counts_in_whole_pages),
        cmocka_unit_test(each_directory_counts_once),
        cmocka_unit_test(long_names_and_the_pages_of_larger_files_have_records),
        cmocka_unit_test(sums_stay_at_the_largest_number),
        cmocka_unit_test(pages_need_the_volume_and_records_may_go_elsewhere),
        cmocka_unit_test(the_agent_has_room_for_records_beside_its_connections),
        cmocka_unit_test(says_how_many_files_there_are_and_what_they_need),
    };
    return cmocka_run_group_tests_name("footprint", tests, NULL, NULL);
}
