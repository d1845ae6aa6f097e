#include "link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool agent_link_connect(struct agent_link *l)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(l->path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, l->path, strlen(l->path) + 1);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    l->held = 0;
    if (l->fd >= 0 && connect(l->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    agent_link_close(l);
    return false;
}

void agent_link_close(struct agent_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void agent_link_send(struct agent_link *l, const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (l->fd >= 0 && send(l->fd, line, (size_t)length, MSG_NOSIGNAL) != length)
        agent_link_close(l);
}

static void take_lines(struct agent_link *l, void (*on_line)(void *context, char *line), void *context)
{
    char *start = l->line, *end;
    while ((end = memchr(start, '\n', l->held - (size_t)(start - l->line))) != NULL) {
        *end = '\0';
        on_line(context, start);
        start = end + 1;
    }
    l->held -= (size_t)(start - l->line);
    memmove(l->line, start, l->held);
}

bool agent_link_receive(struct agent_link *l, void (*on_line)(void *context, char *line), void *context)
{
    ssize_t n = recv(l->fd, l->line + l->held, sizeof(l->line) - l->held, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n > 0) {
        l->held += (size_t)n;
        take_lines(l, on_line, context);
    }
    if (n > 0 && l->held < sizeof(l->line))
        return true;
    agent_link_close(l);
    return false;
}
