/* How the program ended, and what that means for its worker. */
#include "agent/program_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agentapi/failures.h"

#include "base/banned.h"

static void must_fail(struct program_end end, bool lacks_room, enum err_code code)
{
    struct err why CLEANUP(err_fini) = {0};
    assert_false(program_end_is_success(&end, lacks_room, &why));
    assert_int_equal(why.code, code);
}

static void a_program_that_ended_with_0_by_itself_succeeded(void **state)
{
    struct err why CLEANUP(err_fini) = {0};
    (void)state;
    assert_true(program_end_is_success(&(struct program_end){0, false}, false, &why));
    assert_true(program_end_is_success(&(struct program_end){0, false}, true, &why));
    assert_int_equal(why.code, ERR_NONE);
}

/* Programs save their state on SIGTERM and exit with 0: they did not finish. */
static void a_program_that_ended_with_0_after_SIGTERM_was_disrupted(void **state)
{
    (void)state;
    must_fail((struct program_end){0, true}, false, ERR_TERMINATED);
    must_fail((struct program_end){0, true}, true, ERR_TERMINATED);
    assert_int_equal(failure_of_code(ERR_TERMINATED)->failure_class, CLASS_Disruption);
    assert_int_equal(failure_of_code(ERR_TERMINATED)->retry, RETRY_LATER);
}

static void another_code_is_the_programs_own_failure(void **state)
{
    (void)state;
    must_fail((struct program_end){1, false}, false, ERR_COMMAND_FAILED);
    must_fail((struct program_end){143, true}, false, ERR_COMMAND_FAILED);
    must_fail((struct program_end){1, false}, true, ERR_OUTPUT_VOLUME_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_ended_with_0_by_itself_succeeded),
        cmocka_unit_test(a_program_that_ended_with_0_after_SIGTERM_was_disrupted),
        cmocka_unit_test(another_code_is_the_programs_own_failure),
    };
    return cmocka_run_group_tests_name("program_end", tests, NULL, NULL);
}
