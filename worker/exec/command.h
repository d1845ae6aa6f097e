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
    bool is_silent; /* what it prints goes nowhere */
    pid_t pid;      /* 0: not started */
    bool has_ended;
    int exit_code; /* 0..255; 128 + n for signal n */
};

/* Forks; the command leaves no core files. A command that cannot be executed ends with 127 or 126, as in a
 * shell, with a message. */
void command_start(struct command *c);
/* To the whole group; nothing happens when it does not run. */
void command_signal(const struct command *c, int signal_number);
/* Takes every ended child; true when the command itself is among them. What it left of its group is killed.
 */
bool command_reap(struct command *c);
bool command_is_running(const struct command *c);

#endif
