/*
 * The commands of `kubectl cloister`, one per source file. Each takes its arguments
 * (without the command's name), prints its result to standard output and progress to
 * standard error. Returns 0; or, with *e set, -1 or COMMAND_MISUSED. The latter means
 * that the arguments were wrong and nothing was done.
 */
#ifndef CLIENT_COMMANDS_INT_H
#define CLIENT_COMMANDS_INT_H

#include "base/attr.h"
#include "base/err.h"

enum { COMMAND_MISUSED = -2 };

int command_keyset(int argc, char **argv, struct err *e) MUST_CHECK;
int command_encrypt(int argc, char **argv, struct err *e) MUST_CHECK;
int command_fetch(int argc, char **argv, struct err *e) MUST_CHECK;

#endif
