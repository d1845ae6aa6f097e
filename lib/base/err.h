/*
 * Errors as values.
 *
 * An error carries a code (for decisions), the name of the object it is about, a
 * sentence for a person, and its cause. It is owned by the variable that holds
 * it; err_move passes it on, also between threads. Code decides on err.code
 * only, never on text.
 *
 * Conventions of the whole tree:
 *   - a fallible function returns int, 0 or -1, and takes struct err *e last;
 *   - on failure it sets *e exactly once and leaves its outputs untouched,
 *     on success it leaves *e untouched;
 *   - `return FAIL(e, ERR_NOT_FOUND, "object %s", name);` sets and returns;
 *   - callers that add knowledge wrap: `return err_wrap(e, "reading %s", path);`
 *   - texts are lower case, one line, without "failed to", and hold no secret;
 *     whatever names they are made with, they end up as UTF-8 without controls.
 *
 *     struct err e CLEANUP(err_fini) = {0};
 *     if (thing_open(&t, path, &e) < 0) ...
 *
 * Nothing in here fails; exhaustion of memory ends the process.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/attr.h"

enum err_code {
#define ERR_ROW(code, name, again) ERR_##code,
#include "base/err.def"
#undef ERR_ROW
    ERR_CODE_COUNT,
};

struct err {
    enum err_code code;
    char *object;      /* owned; gs:// URI, key name, path, ...; may be NULL */
    char *text;        /* owned; what was being done, or what is wrong */
    struct err *cause; /* owned; the error underneath, or NULL */
};

/* Sets *e (which must be empty) and yields -1. A NULL e is allowed where the caller ignores the reason. */
#define FAIL(e, code, ...) (err_set((e), (code), NULL, __VA_ARGS__), -1)
/* The same, with the name of the object that the error is about. */
#define FAIL_OBJECT(e, code, object, ...) (err_set((e), (code), (object), __VA_ARGS__), -1)
/* From errno; the text gets ": <strerror>" appended. Always yields -1. */
#define FAIL_ERRNO(e, ...) (err_set_errno((e), __VA_ARGS__), -1)
/* Puts a sentence in front: "<text>: <what was there>". Keeps code and object. Yields -1. */
#define err_wrap(e, ...) (err_wrap_text((e), __VA_ARGS__), -1)

void err_set(struct err *e, enum err_code code, const char *object, const char *format, ...)
    PRINTF_LIKE(4, 5);
void err_set_errno(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
void err_wrap_text(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* Gives the error a new code, e.g. DENIED read as KEY_ACCESS_DENIED; the text stays. */
void err_recode(struct err *e, enum err_code code);
/* Names the object the error is about, unless it is named already. */
void err_name_object(struct err *e, const char *object);

/* Empties *e; also the CLEANUP function. Works on an empty error. */
void err_fini(struct err *e);
/* *to = *from; *from becomes empty. *to must be empty. */
void err_move(struct err *to, struct err *from);

/* The whole chain as one line, "a: b: c". The caller frees it. */
char *err_text(const struct err *e) MUST_CHECK;
/* err_text plus what to do about it: "a: b. To go on, REMEDY."; "" says nothing. The caller frees it. */
char *err_sentence(const struct err *e, const char *remedy) MUST_CHECK RETURNS_NONNULL;

/* Columns of the table. "KeyNotFound": constant text; "" for ERR_NONE. */
const char *err_code_name(enum err_code code) MUST_CHECK RETURNS_NONNULL;
/* Whether the same call may succeed later. */
bool err_code_is_retryable(enum err_code code) MUST_CHECK;

#endif
