#include "exchange.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MEETING_SECONDS = 120 };

static int transfer_all(int fd, void *bytes, size_t length, ssize_t (*transfer)(int, void *, size_t))
{
    char *at = bytes;
    while (length > 0) {
        ssize_t n = transfer(fd, at, length);
        if (n <= 0) {
            if (n < 0 && errno == EINTR)
                continue;
            fprintf(stderr, "digits: a worker is gone: %s\n", n < 0 ? strerror(errno) : "connection closed");
            return -1;
        }
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

static ssize_t receive_some(int fd, void *bytes, size_t length)
{
    return recv(fd, bytes, length, 0);
}

static ssize_t send_some(int fd, void *bytes, size_t length)
{
    return send(fd, bytes, length, MSG_NOSIGNAL);
}

static void send_at_once(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int listen_on(const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *address = NULL;
    int on = 1, fd = -1;
    if (getaddrinfo(NULL, port, &hints, &address) == 0)
        fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, MAX_WORKERS) < 0) {
            perror("digits: listen");
            close(fd);
            fd = -1;
        }
    }
    if (address != NULL)
        freeaddrinfo(address);
    return fd;
}

/* The coordinator accepts each worker once; the first four bytes say which one it is. */
static int meet_as_coordinator(struct exchange *x, const char *port)
{
    int listener = listen_on(port);
    if (listener < 0)
        return -1;
    time_t deadline = time(NULL) + MEETING_SECONDS;
    size_t present = 1;
    while (present < x->world) {
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        uint32_t rank = 0;
        if (time(NULL) > deadline) {
            fprintf(stderr, "digits: only %zu of %zu workers came\n", present, x->world);
            break;
        }
        if (poll(&waiting, 1, 1000) <= 0)
            continue;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (transfer_all(fd, &rank, sizeof(rank), receive_some) < 0 || rank == 0 || rank >= x->world ||
            x->peers[rank] >= 0) {
            close(fd);
            continue;
        }
        send_at_once(fd);
        x->peers[rank] = fd;
        present++;
    }
    close(listener);
    return present == x->world ? 0 : -1;
}

static int connect_once(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &addresses) != 0)
        return -1;
    for (struct addrinfo *a = addresses; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(addresses);
    return fd;
}

/* Names and listeners appear while pods start, so a worker keeps trying. */
static int meet_as_worker(struct exchange *x, const char *coordinator, const char *port)
{
    uint32_t rank = (uint32_t)x->rank;
    time_t deadline = time(NULL) + MEETING_SECONDS;
    while (time(NULL) <= deadline) {
        int fd = connect_once(coordinator, port);
        if (fd >= 0) {
            send_at_once(fd);
            x->peers[0] = fd;
            return transfer_all(fd, &rank, sizeof(rank), send_some);
        }
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    fprintf(stderr, "digits: no coordinator at %s:%s\n", coordinator, port);
    return -1;
}

int exchange_open(struct exchange *x, size_t rank, size_t world, const char *coordinator, const char *port)
{
    x->rank = rank;
    x->world = world;
    for (size_t i = 0; i < MAX_WORKERS; i++)
        x->peers[i] = -1;
    if (world == 1)
        return 0;
    return rank == 0 ? meet_as_coordinator(x, port) : meet_as_worker(x, coordinator, port);
}

static int sum_as_coordinator(struct exchange *x, float *values, size_t count)
{
    float *part = malloc(count * sizeof(*part));
    int result = part == NULL ? -1 : 0;
    for (size_t r = 1; r < x->world && result == 0; r++) {
        result = transfer_all(x->peers[r], part, count * sizeof(*part), receive_some);
        for (size_t i = 0; i < count && result == 0; i++)
            values[i] += part[i];
    }
    for (size_t r = 1; r < x->world && result == 0; r++)
        result = transfer_all(x->peers[r], values, count * sizeof(*values), send_some);
    free(part);
    return result;
}

int exchange_sum(struct exchange *x, float *values, size_t count)
{
    if (x->world == 1)
        return 0;
    if (x->rank == 0)
        return sum_as_coordinator(x, values, count);
    if (transfer_all(x->peers[0], values, count * sizeof(*values), send_some) < 0)
        return -1;
    return transfer_all(x->peers[0], values, count * sizeof(*values), receive_some);
}

void exchange_close(struct exchange *x)
{
    for (size_t i = 0; i < MAX_WORKERS; i++)
        if (x->peers[i] >= 0)
            close(x->peers[i]);
}
