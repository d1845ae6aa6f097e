#include "agent/gate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/gate_words.h"
#include "agentapi/gate_protocol.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { TEXT_MAX_BYTES = 2048 };

struct gate {
    struct loop *loop;
    int listener, connection;
    struct loop_source *listener_source, *connection_source, *keepalive;
    struct strbuf input;
    gate_exited_fn *on_exited;
    gate_swap_fn *on_swap;
    void *context;
    gate_usage_fn *on_usage; /* NULL: not reported */
    void *usage_context;
    enum gate_state state;
    char *text;
    bool is_started; /* the command runs or has run: it must not be started again */
};

static void disconnect(struct gate *g)
{
    loop_source_free(g->connection_source);
    g->connection_source = NULL;
    cleanup_fd(&g->connection);
    strbuf_clear(&g->input);
}

/* A line is far smaller than a socket's buffer: it is sent in one piece, or the connection is dead. */
static void say(struct gate *g, const char *verb, const char *text)
{
    char *line CLEANUP(cleanup_free) = xasprintf("%s%s%s\n", verb, *text == '\0' ? "" : " ", text);
    if (g->connection >= 0 &&
        send(g->connection, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)strlen(line))
        disconnect(g);
}

static void say_state(struct gate *g)
{
    switch (g->state) {
    case GATE_WAIT: say(g, GATE_SAYS_WAIT, g->text); break;
    case GATE_OPEN:
        if (!g->is_started)
            say(g, GATE_SAYS_START, "");
        break;
    case GATE_PUBLISH: say(g, GATE_SAYS_PUBLISHING, ""); break;
    case GATE_DONE: say(g, GATE_SAYS_DONE, ""); break;
    case GATE_FAIL: say(g, GATE_SAYS_FAIL, g->text); break;
    }
}

static void keep_alive(void *context)
{
    struct gate *g = context;
    if (g->state == GATE_WAIT || g->state == GATE_PUBLISH)
        say_state(g);
    loop_timer_set(g->keepalive, GATE_KEEPALIVE_MS);
}

void gate_set(struct gate *g, enum gate_state state, const char *text)
{
    if (g->state == GATE_FAIL)
        return;
    free(g->text);
    g->text = xstrndup(text, strnlen(text, TEXT_MAX_BYTES));
    for (char *at = g->text; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    g->state = state;
    say_state(g);
}

static void obey(struct gate *g, struct view line, const char *text)
{
    struct gate_word w = gate_word_read(line);
    log_debug("from cloister-exec", "line", text, NULL);
    if (w.kind == GATE_WORD_HELLO) {
        if (w.is_other_version)
            log_error("unsupported protocol version of cloister-exec", "line", text, NULL);
        g->is_started = !w.is_waiting;
        if (w.is_swapped)
            g->on_swap(g->context);
        say_state(g);
    }
    if (w.kind == GATE_WORD_USAGE && g->on_usage != NULL)
        g->on_usage(g->usage_context, w.memory_bytes, w.cpu_us);
    if (w.has_exited)
        g->on_exited(g->context, w.exit_code, w.is_terminated);
}

static void on_readable(void *context, int fd, unsigned events)
{
    struct gate *g = context;
    char bytes[512];
    (void)events;
    ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        disconnect(g);
        return;
    }
    strbuf_add(&g->input, bytes, (size_t)n);
    if (strbuf_overflowed(&g->input)) {
        disconnect(g);
        return;
    }
    size_t length;
    for (char *line; g->connection >= 0 && (line = gate_take_line(&g->input, &length)) != NULL; free(line))
        obey(g, view_of(line, length), line);
}

static void on_connection(void *context, int fd, unsigned events)
{
    struct gate *g = context;
    (void)events;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return;
    disconnect(g); /* only one cloister-exec runs: an older connection is stale */
    g->connection = connection;
    g->connection_source = loop_add_io(g->loop, connection, LOOP_READ, on_readable, g);
}

static int listen_on(const char *path, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return FAIL_ERRNO(e, "making a socket for %s", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0) {
        close(fd);
        return FAIL_ERRNO(e, "listening on %s", path);
    }
    return fd;
}

struct gate *gate_new(struct loop *loop, const char *path, gate_exited_fn *on_exited, gate_swap_fn *on_swap,
                      void *context, struct err *e)
{
    int listener = listen_on(path, e);
    if (listener < 0)
        return NULL;
    struct gate *g = xcalloc(1, sizeof(*g));
    g->loop = loop;
    g->listener = listener;
    g->connection = -1;
    g->on_exited = on_exited;
    g->on_swap = on_swap;
    g->context = context;
    g->text = xstrdup("");
    strbuf_init(&g->input, GATE_LINE_BYTES);
    g->listener_source = loop_add_io(loop, listener, LOOP_READ, on_connection, g);
    g->keepalive = loop_add_timer(loop, keep_alive, g);
    loop_timer_set(g->keepalive, GATE_KEEPALIVE_MS);
    return g;
}

void gate_watch_usage(struct gate *g, gate_usage_fn *on_usage, void *context)
{
    g->on_usage = on_usage;
    g->usage_context = context;
}

void gate_free(struct gate *g)
{
    if (g == NULL)
        return;
    disconnect(g);
    loop_source_free(g->listener_source);
    loop_source_free(g->keepalive);
    cleanup_fd(&g->listener);
    strbuf_fini(&g->input);
    free(g->text);
    free(g);
}
