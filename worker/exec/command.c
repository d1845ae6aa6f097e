#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentapi/pod.h"

/* Returns a descriptor for messages, which the command does not inherit; -1 when there is none. */
static int silence(void)
{
    int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0)
        return log;
    /* Output must not reach the log, so the command is not run. */
    fprintf(stderr, "cloister: cannot open /dev/null to discard the output: %s\n", strerror(errno));
    _exit(EXIT_NOT_EXECUTABLE);
}

/* Plaintext must not reach a disk. The limit is one byte, not zero: only that also disables core dumps that
 * the kernel pipes to a program. The hard limit keeps the command from raising it. */
static void forbid_core_files(void)
{
    struct rlimit one = {1, 1};
    if (setrlimit(RLIMIT_CORE, &one) == 0)
        return;
    fprintf(stderr, "cloister: cannot turn core files off: %s\n", strerror(errno));
    _exit(EXIT_NOT_EXECUTABLE);
}

static void become(const struct command *c)
{
    sigset_t none;
    forbid_core_files();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    int log = c->is_silent ? silence() : STDERR_FILENO;
    execvp(c->argv[0], c->argv);
    int number = errno;
    dprintf(log, "cloister: cannot run %s: %s\n", c->argv[0], strerror(number));
    _exit(number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

void command_start(struct command *c)
{
    c->pid = fork();
    if (c->pid == 0)
        become(c);
    if (c->pid < 0) {
        fprintf(stderr, "cloister: cannot start %s: %s\n", c->argv[0], strerror(errno));
        c->pid = 0;
        c->has_ended = true;
        c->exit_code = EXIT_NOT_EXECUTABLE;
        return;
    }
    setpgid(c->pid, c->pid); /* both processes do it, whichever runs first */
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
        c->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNALLED + WTERMSIG(status);
        kill(-pid, SIGKILL);
    }
    return ended;
}
