#include "net/ranges.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/view.h"

#include "base/banned.h"

enum {
    BITS_OF_BYTE = 8,
    IPV4_SIZE = 4,
    IPV4_AT = ADDRESS_SIZE - IPV4_SIZE,
    IPV6_BITS = 128,
    SIXTOFOUR_AT = 2
};

static const uint8_t MAPPED[IPV4_AT] = {[10] = 0xff, [11] = 0xff};
static const uint8_t NAT64[IPV4_AT] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t SIXTOFOUR[SIXTOFOUR_AT] = {0x20, 0x02};

static void map_ipv4(const void *ipv4, uint8_t out[ADDRESS_SIZE])
{
    memcpy(out, MAPPED, sizeof(MAPPED));
    memcpy(out + IPV4_AT, ipv4, IPV4_SIZE);
}

/* ---- writing ---- */
static bool is_bit_set(const uint8_t *bytes, unsigned at)
{
    return (bytes[at / BITS_OF_BYTE] >> (BITS_OF_BYTE - 1 - at % BITS_OF_BYTE) & 1) != 0;
}

static int parse(const char *text, struct address_range *ret)
{
    struct view length_text;
    char *address CLEANUP(cleanup_free) = view_dup(view_cut(view_from(text), '/', &length_text));
    struct in_addr ipv4;
    uint64_t bits = 0;
    unsigned offset = 0;
    if (inet_pton(AF_INET, address, &ipv4) == 1) {
        map_ipv4(&ipv4, ret->bytes);
        offset = IPV4_AT * BITS_OF_BYTE;
    } else if (inet_pton(AF_INET6, address, ret->bytes) != 1) {
        return -1;
    }
    if (strchr(text, '/') == NULL)
        bits = IPV6_BITS - offset;
    else if (!view_to_u64(length_text, &bits) || bits > IPV6_BITS - offset)
        return -1;
    ret->bits = (unsigned)bits + offset;
    for (unsigned i = ret->bits; i < IPV6_BITS; i++)
        if (is_bit_set(ret->bytes, i))
            return -1;
    return 0;
}

int ranges_add(struct address_ranges *r, const char *text, struct err *e)
{
    struct address_range range;
    if (parse(text, &range) < 0)
        return FAIL_OBJECT(e, ERR_INVALID, text,
                           "'%s' is not a range of addresses: write it like 10.0.0.0/8 or fd00::/8, with "
                           "zeros after the prefix",
                           text);
    r->list = xreallocarray(r->list, r->count + 1, sizeof(*r->list));
    r->list[r->count++] = range;
    return 0;
}

int ranges_add_list(struct address_ranges *r, const char *text, struct err *e)
{
    struct view rest = view_from(text);
    while (rest.len > 0) {
        char *one CLEANUP(cleanup_free) = view_dup(view_trim(view_cut(rest, ',', &rest)));
        if (ranges_add(r, one, e) < 0)
            return -1;
    }
    return 0;
}

void ranges_fini(struct address_ranges *r)
{
    free(r->list);
    *r = (struct address_ranges){0};
}

/* ---- reading ---- */
static bool contains(const struct address_ranges *r, const uint8_t address[ADDRESS_SIZE])
{
    for (size_t i = 0; i < r->count; i++) {
        unsigned bit = 0;
        while (bit < r->list[i].bits && is_bit_set(r->list[i].bytes, bit) == is_bit_set(address, bit))
            bit++;
        if (bit == r->list[i].bits)
            return true;
    }
    return false;
}

/* The IPv4 address that NAT64 or 6to4 would translate this one to, or NULL. */
static const uint8_t *embedded_ipv4(const uint8_t address[ADDRESS_SIZE])
{
    if (memcmp(address, NAT64, sizeof(NAT64)) == 0)
        return address + IPV4_AT;
    return memcmp(address, SIXTOFOUR, sizeof(SIXTOFOUR)) == 0 ? address + SIXTOFOUR_AT : NULL;
}

bool ranges_contain(const struct address_ranges *r, const struct sockaddr *address)
{
    uint8_t bytes[ADDRESS_SIZE];
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        map_ipv4(&ipv4.sin_addr, bytes);
        return contains(r, bytes);
    }
    if (address->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 ipv6;
    memcpy(&ipv6, address, sizeof(ipv6));
    memcpy(bytes, &ipv6.sin6_addr, sizeof(bytes));
    if (contains(r, bytes))
        return true;
    const uint8_t *ipv4 = embedded_ipv4(bytes);
    if (ipv4 == NULL)
        return false;
    uint8_t mapped[ADDRESS_SIZE];
    map_ipv4(ipv4, mapped);
    return contains(r, mapped);
}
