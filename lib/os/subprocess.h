/*
 * Runs a program and waits for it, without a shell: standard input is empty, standard
 * output is captured as a secret (credential plugins print tokens), standard error is
 * inherited.
 *
 * Blocks for at most timeout_ms. Errors: ERR_NOT_FOUND when the program cannot be
 * started, ERR_TIMED_OUT (the program is killed), ERR_TOO_LARGE, and ERR_IO for a
 * signal or an exit code other than 0.
 */
#ifndef OS_SUBPROCESS_H
#define OS_SUBPROCESS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"

struct subprocess {
    char *const *argv;        /* ends with NULL; argv[0] is looked up in PATH */
    char *const *environment; /* "NAME=value", ends with NULL */
    size_t max_bytes;         /* of standard output */
    int timeout_ms;
};

int subprocess_run(const struct subprocess *c, struct secret *ret_output, struct err *e) MUST_CHECK;

#endif
