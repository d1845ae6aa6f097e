/*
 * The user's command: started in a process group of its own, signalled, and
 * reaped together with everything it leaves behind. One command a process.
 */
#ifndef EXEC_COMMAND_H
#define EXEC_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
    char *const *argv;
    bool is_silent; /* its output is discarded */
    pid_t pid;      /* 0: not started */
    bool has_ended;
    int exit_code; /* 0..255; 128 + n for signal n */
};

/* Forks; core dumps are disabled. A command that cannot be executed exits with 127 or 126, as in a shell,
 * with a message. */
void command_start(struct command *c);
/* Signals the whole process group; no effect when it is not running. */
void command_signal(const struct command *c, int signal_number);
/* Reaps every exited child; true when the command is among them. Then the rest of its process group is
 * killed. */
bool command_reap(struct command *c);
bool command_is_running(const struct command *c);

#endif
