/*
 * cloister-exec: the small static program in front of the user's command.
 *
 *   cloister-exec [--grace-seconds=N] [--reserve-seconds=N] [--socket=PATH] [--discard-output]
 *                 -- COMMAND ARGUMENT...
 *
 * Waits until the agent has staged the inputs, runs the command in a process group
 * of its own, forwards signals, reaps orphans, and after the command's exit waits until the agent
 * has published. Exits with the command's code, with 125 when the agent failed, or
 * with 122 when the agent did not answer for five minutes. When the pod is being
 * terminated, the command is killed some seconds (the reserve) before the grace
 * period ends, so that there is time left for publishing. With --discard-output the
 * command's output goes to /dev/null. Where this container's memory could be swapped,
 * the command is not started, and the agent is informed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agentapi/gate_protocol.h"
#include "agentapi/pod.h"
#include "command.h"
#include "link.h"
#include "swap.h"
#include "usage.h"

enum { RETRY_MS = 250, GRACE_SECONDS = 30, RESERVE_SECONDS = 10, USAGE_MS = 10 * 1000 };

static const int FORWARDED[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH, SIGCONT};

struct shim {
    struct command command;
    struct agent_link link;
    int signal_fd;
    long grace_seconds, reserve_seconds;
    long long last_agent_ms; /* when the agent last sent something */
    long long kill_at_ms;    /* when the command is killed; 0: not at all */
    long long usage_at_ms;   /* when the resource usage is sent next */
    bool has_swap;           /* the command is not started */
    bool has_failed;         /* the agent sent FAIL */
    bool is_terminated;      /* the pod's end began while the command ran */
    bool is_over;
    int exit_code;
};

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void finish(struct shim *s, int code)
{
    s->is_over = true;
    s->exit_code = code;
}

/* ---- the command ---- */
static void end_command(struct shim *s, int signal_number, long seconds)
{
    command_signal(&s->command, signal_number);
    if (s->kill_at_ms == 0)
        s->kill_at_ms = now_ms() + seconds * 1000;
}

static void send_exit(struct shim *s, const char *words)
{
    agent_link_send(&s->link, "%s %d%s\n", words, s->command.exit_code,
                    s->is_terminated ? " " GATE_TERMINATED : "");
}

static void on_ended(struct shim *s)
{
    s->kill_at_ms = 0;
    s->last_agent_ms = now_ms();
    if (s->has_failed)
        finish(s, EXIT_AGENT_FAILED);
    else
        send_exit(s, GATE_EXITED);
}

/* ---- the agent's words ---- */
static void on_failure(struct shim *s, const char *text)
{
    if (!s->has_failed)
        fprintf(stderr, "cloister: %s\n", text);
    s->has_failed = true;
    if (command_is_running(&s->command))
        end_command(s, SIGTERM, s->reserve_seconds);
    else
        finish(s, EXIT_AGENT_FAILED);
}

static void on_line(void *context, char *line)
{
    struct shim *s = context;
    char *text = strchr(line, ' ');
    s->last_agent_ms = now_ms();
    if (text != NULL)
        *text++ = '\0';
    if (strcmp(line, GATE_SAYS_START) == 0 && s->command.pid == 0 && !s->command.has_ended && !s->has_swap) {
        command_start(&s->command);
        if (s->command.has_ended)
            on_ended(s);
    } else if (strcmp(line, GATE_SAYS_DONE) == 0 && s->command.has_ended)
        finish(s, s->command.exit_code);
    else if (strcmp(line, GATE_SAYS_FAIL) == 0)
        on_failure(s, text == NULL ? "the agent has failed" : text);
}

#define HELLO GATE_HELLO " " GATE_VERSION

static void say_hello(struct shim *s)
{
    if (s->command.has_ended)
        send_exit(s, HELLO " " GATE_IS_EXITED);
    else if (command_is_running(&s->command))
        agent_link_send(&s->link, HELLO " " GATE_IS_RUNNING "\n");
    else
        agent_link_send(&s->link, HELLO " %s\n", s->has_swap ? GATE_IS_SWAPPED : GATE_IS_WAITING);
}

/* ---- signals ---- */
/* A sender that has no number in the pod's own PID namespace: the runtime. The program and what else runs in
 * the pod have one (pid_namespaces(7)). */
static bool is_from_outside(const struct signalfd_siginfo *info)
{
    return info->ssi_code == SI_USER && info->ssi_pid == 0;
}

/* Images may name another signal for their end (STOPSIGNAL). */
static bool ends_the_pod(const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    return number == SIGTERM || ((number == SIGINT || number == SIGQUIT) && is_from_outside(info));
}

static void on_terminate(struct shim *s, const struct signalfd_siginfo *info)
{
    long seconds = s->grace_seconds - s->reserve_seconds;
    if (command_is_running(&s->command)) {
        s->is_terminated = s->is_terminated || is_from_outside(info);
        end_command(s, (int)info->ssi_signo, seconds > 0 ? seconds : 0);
    } else if (!s->command.has_ended) {
        finish(s, EXIT_SIGNALLED + SIGTERM); /* the command was not started yet */
    }
}

static void on_signal(struct shim *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        /* First: a command that has ended already did not end because of this signal. */
        if (command_reap(&s->command))
            on_ended(s);
        if (ends_the_pod(&info))
            on_terminate(s, &info);
        else if (info.ssi_signo != SIGCHLD)
            command_signal(&s->command, (int)info.ssi_signo);
    }
}

/* ---- the loop ---- */
static void tell_usage(struct shim *s, long long now)
{
    struct usage u;
    if (s->link.fd < 0 || now < s->usage_at_ms)
        return;
    s->usage_at_ms = now + USAGE_MS;
    if (usage_read(&u) == 0)
        agent_link_send(&s->link, GATE_USAGE " %llu %llu\n", u.memory_bytes, u.cpu_us);
}

static void check_clocks(struct shim *s)
{
    long long now = now_ms();
    if (s->kill_at_ms != 0 && now >= s->kill_at_ms) {
        command_signal(&s->command, SIGKILL);
        s->kill_at_ms = now + 1000;
    }
    if (s->link.fd < 0 && agent_link_connect(&s->link))
        say_hello(s);
    tell_usage(s, now);
    /* While the command runs, the operator deals with an agent that is gone. */
    if (!command_is_running(&s->command) && now - s->last_agent_ms > GATE_PATIENCE_MS) {
        fprintf(stderr, "cloister: the agent has not answered for %d seconds\n", GATE_PATIENCE_MS / 1000);
        finish(s, EXIT_NO_AGENT);
    }
}

static int run(struct shim *s)
{
    while (!s->is_over) {
        struct pollfd fds[2] = {{.fd = s->signal_fd, .events = POLLIN}, {.fd = s->link.fd, .events = POLLIN}};
        check_clocks(s);
        fds[1].fd = s->link.fd;
        if (poll(fds, 2, RETRY_MS) < 0 && errno != EINTR)
            abort();
        if ((fds[0].revents & POLLIN) != 0)
            on_signal(s);
        if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && s->link.fd >= 0)
            (void)agent_link_receive(&s->link, on_line, s);
    }
    return s->exit_code;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof(FORWARDED) / sizeof(*FORWARDED); i++)
        sigaddset(&set, FORWARDED[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int usage(void)
{
    fputs("usage: cloister-exec [--grace-seconds=N] [--reserve-seconds=N] [--socket=PATH] "
          "[--discard-output] -- COMMAND ARGUMENT...\n",
          stderr);
    return 2;
}

/* Index of the command in argv, or -1. */
static int parse(struct shim *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (strcmp(argv[i], "--") == 0)
            return i + 1 < argc ? i + 1 : -1;
        if (strcmp(argv[i], EXEC_DISCARD_OUTPUT) == 0) {
            s->command.is_silent = true;
            continue;
        }
        if (value == NULL)
            return -1;
        *value++ = '\0';
        if (strcmp(argv[i], EXEC_GRACE_SECONDS) == 0)
            s->grace_seconds = strtol(value, NULL, 10);
        else if (strcmp(argv[i], EXEC_RESERVE_SECONDS) == 0)
            s->reserve_seconds = strtol(value, NULL, 10);
        else if (strcmp(argv[i], EXEC_SOCKET) == 0)
            s->link.path = value;
        else
            return -1;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct shim s = {.link = {.path = POD_SOCKET, .fd = -1},
                     .grace_seconds = GRACE_SECONDS,
                     .reserve_seconds = RESERVE_SECONDS,
                     .has_swap = swap_is_possible()};
    int first = parse(&s, argc, argv);
    if (first < 0)
        return usage();
    s.command.argv = argv + first;
    s.last_agent_ms = now_ms();
    s.signal_fd = open_signals();
    if (s.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        fprintf(stderr, "cloister: cannot set up signal handling: %s\n", strerror(errno));
        return EXIT_NOT_EXECUTABLE;
    }
    return run(&s);
}
