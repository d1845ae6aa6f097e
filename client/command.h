/*
 * The commands of `kubectl cloister`. Each takes its own arguments (without the
 * command's name), prints what it made on standard output and words for a person
 * on standard error, and returns 0, or -1 with *e set. ERR_INVALID is a usage error.
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "base/attr.h"
#include "base/err.h"

int command_keyset(int argc, char **argv, struct err *e) MUST_CHECK;
int command_encrypt(int argc, char **argv, struct err *e) MUST_CHECK;
int command_fetch(int argc, char **argv, struct err *e) MUST_CHECK;

#endif
