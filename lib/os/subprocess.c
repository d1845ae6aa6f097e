#include "os/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

enum { REAP_INTERVAL_MS = 5 };

/* The process blocks and ignores signals; a program expects the defaults. */
static void reset_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int start(const struct subprocess *c, int output, pid_t *ret_pid, struct err *e)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    reset_signals(&attributes);
    int error = posix_spawnp(ret_pid, c->argv[0], &files, &attributes, c->argv, c->environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return FAIL_OBJECT(e, ERR_NOT_FOUND, c->argv[0], "starting %s: %s", c->argv[0], strerror(error));
    return 0;
}

/* Reads the whole output, at most c->max_bytes; *ret_length is its length. */
static int read_output(const struct subprocess *c, int fd, int64_t deadline_ms, char *buffer,
                       size_t *ret_length, struct err *e)
{
    size_t length = 0;
    for (;;) {
        int64_t left_ms = deadline_ms - clock_boot_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || (poll(&p, 1, (int)left_ms) == 0))
            return FAIL_OBJECT(e, ERR_TIMED_OUT, c->argv[0], "%s has not ended after %d ms", c->argv[0],
                               c->timeout_ms);
        /* One byte more than allowed, to detect too much output. */
        ssize_t n = read(fd, buffer + length, c->max_bytes + 1 - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(e, "reading the output of %s", c->argv[0]);
        if (n == 0)
            break;
        length += (size_t)n;
        if (length > c->max_bytes)
            return FAIL_OBJECT(e, ERR_TOO_LARGE, c->argv[0], "%s printed more than %zu bytes", c->argv[0],
                               c->max_bytes);
    }
    *ret_length = length;
    return 0;
}

/* Waits for the program to exit, and kills it at the deadline. */
static int reap(const struct subprocess *c, pid_t pid, int64_t deadline_ms, struct err *e)
{
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_boot_ms() >= deadline_ms) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return FAIL_OBJECT(e, ERR_TIMED_OUT, c->argv[0], "%s has not ended after %d ms", c->argv[0],
                               c->timeout_ms);
        }
        nanosleep(&(struct timespec){.tv_nsec = REAP_INTERVAL_MS * 1000000L}, NULL);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return FAIL_OBJECT(e, ERR_IO, c->argv[0], "%s exited with code %d", c->argv[0], WEXITSTATUS(status));
    return FAIL_OBJECT(e, ERR_IO, c->argv[0], "%s was terminated by signal %d", c->argv[0], WTERMSIG(status));
}

int subprocess_run(const struct subprocess *c, struct secret *ret_output, struct err *e)
{
    int64_t deadline_ms = clock_boot_ms() + c->timeout_ms;
    int fds[2];
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return FAIL_ERRNO(e, "creating a pipe");
    int from CLEANUP(cleanup_fd) = fds[0];
    int started = start(c, fds[1], &pid, e);
    close(fds[1]);
    if (started < 0)
        return -1;
    char *buffer = xmalloc(c->max_bytes + 1);
    size_t length = 0;
    int result = read_output(c, from, deadline_ms, buffer, &length, e);
    if (result < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    } else {
        result = reap(c, pid, deadline_ms, e);
    }
    if (result == 0)
        secret_copy(ret_output, buffer, length);
    secret_wipe(buffer, c->max_bytes + 1);
    free(buffer);
    return result;
}
