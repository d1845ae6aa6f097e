/* lib/agentapi: what operator, agent and cloister-exec say to one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentapi/failures.h"
#include "base/alloc.h"

#include "base/banned.h"

/* ---- failures ---- */

/* Whatever error ends a worker, the operator knows its class, whether to try again, and what to advise. */
static void every_error_code_has_a_row_in_the_table_of_failures(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const struct failure *f = failure_of_code((enum err_code)code);
        assert_string_equal(f->reason, err_code_name((enum err_code)code));
        assert_int_not_equal(f->failure_class, CLASS_None);
        assert_true(strlen(f->remedy) > 5);
        assert_ptr_equal(failure_find(f->reason), f);
        assert_int_equal(failure_class_from_name(failure_class_name(f->failure_class)), f->failure_class);
    }
    assert_null(failure_find(""));
    assert_null(failure_find("NoSuchReason"));
    assert_int_equal(failure_class_from_name("NoSuchClass"), CLASS_None);
}

/* Data that may not be trusted is never tried again; a worker that a newer attempt replaced ends no job. */
static void a_failure_of_security_is_final_and_a_disruption_is_not(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const struct failure *f = failure_of_code((enum err_code)code);
        if (f->failure_class == CLASS_Security)
            assert_int_equal(f->retry, RETRY_NEVER);
        if (f->failure_class == CLASS_Disruption)
            assert_int_equal(f->retry, RETRY_LATER);
    }
    assert_false(err_code_is_retryable(ERR_SUPERSEDED));
    assert_int_equal(failure_of_code(ERR_KEY_DISABLED)->retry, RETRY_SLOWLY);
}

static void a_failure_is_worded_with_its_remedy(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    (void)FAIL(&e, ERR_DATA_NOT_FOUND, "nothing at gs://b/o");
    char *sentence CLEANUP(cleanup_free) = failure_sentence(&e);
    assert_string_equal(sentence, "nothing at gs://b/o. To go on, correct the URI, or upload the data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_code_has_a_row_in_the_table_of_failures),
        cmocka_unit_test(a_failure_of_security_is_final_and_a_disruption_is_not),
        cmocka_unit_test(a_failure_is_worded_with_its_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
