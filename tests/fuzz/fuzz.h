/*
 * What the fuzz targets share.
 *
 * A target is a file f_NAME.c that defines libFuzzer's entry point. It reads bytes the
 * way the product does and checks what holds for every input: that two readers agree,
 * that what is encoded is decoded again, that a refused input leaves the result alone.
 * A violation ends the process. Inputs that are worth keeping are in corpus/NAME.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* libFuzzer's entry point; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define CHECK(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

NORETURN void fuzz_fail(const char *condition, const char *file, int line);
/* The error must have a code and one line of valid UTF-8. Empties it. */
void fuzz_check_error(struct err *e);
/* A place from 0 to length at which to cut the input in two. It depends on the bytes only, so a run can be
 * repeated. */
size_t fuzz_cut(const uint8_t *bytes, size_t length) MUST_CHECK;
/* Whether v lies within `whole`; an empty view may be anywhere. */
bool fuzz_is_within(struct view v, struct view whole) MUST_CHECK;

#endif
