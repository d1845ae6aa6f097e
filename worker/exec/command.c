#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char *const *argv)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    execvp(argv[0], argv);
    int number = errno;
    fprintf(stderr, "cloister: cannot run %s: %s\n", argv[0], strerror(number));
    _exit(number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

void command_start(struct command *c)
{
    c->pid = fork();
    if (c->pid == 0)
        become(c->argv);
    if (c->pid < 0) {
        fprintf(stderr, "cloister: cannot start %s: %s\n", c->argv[0], strerror(errno));
        c->pid = 0;
        c->has_ended = true;
        c->exit_code = EXIT_NOT_EXECUTABLE;
        return;
    }
    setpgid(c->pid, c->pid); /* both sides do it: whoever is first */
}

bool command_is_running(const struct command *c)
{
    return c->pid > 0 && !c->has_ended;
}

void command_signal(const struct command *c, int signal_number)
{
    if (command_is_running(c))
        kill(-c->pid, signal_number);
}

bool command_reap(struct command *c)
{
    bool ended = false;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != c->pid)
            continue;
        c->has_ended = ended = true;
        c->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        kill(-pid, SIGKILL);
    }
    return ended;
}
