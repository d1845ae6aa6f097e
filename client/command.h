/*
 * The commands of `kubectl cloister`. Each takes its own arguments (without the
 * command's name), prints what it made on standard output and words for a person
 * on standard error. Returns 0, or with *e set -1, or COMMAND_MISUSED when it was
 * the arguments that were wrong and nothing was done yet.
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "base/attr.h"
#include "base/err.h"

enum { COMMAND_MISUSED = -2 };

int command_keyset(int argc, char **argv, struct err *e) MUST_CHECK;
int command_encrypt(int argc, char **argv, struct err *e) MUST_CHECK;
int command_fetch(int argc, char **argv, struct err *e) MUST_CHECK;

#endif
