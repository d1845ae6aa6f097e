/*
 * Ranges of IP addresses in CIDR notation, and whether an address is in one. Pure.
 *
 * An IPv4 address is the same whether it is written as such, mapped into IPv6, or
 * wrapped for NAT64 (64:ff9b::/96) or 6to4 (2002::/16): whoever refuses one form
 * refuses all. The caller owns the list and frees it with ranges_fini.
 */
#ifndef NET_RANGES_H
#define NET_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sockaddr;

#define ADDRESS_SIZE 16

struct address_range {
    uint8_t bytes[ADDRESS_SIZE]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;
};

struct address_ranges {
    struct address_range *list; /* owned */
    size_t count;
};

/* text: "10.0.0.0/8", "fd00::/8", or an address alone. ERR_INVALID when it is neither, or has bits set behind
 * the prefix. */
int ranges_add(struct address_ranges *r, const char *text, struct err *e) MUST_CHECK;
/* Several, separated by commas; an empty text adds none. */
int ranges_add_list(struct address_ranges *r, const char *text, struct err *e) MUST_CHECK;
/* False for addresses that are neither IPv4 nor IPv6. */
bool ranges_hold(const struct address_ranges *r, const struct sockaddr *address);
void ranges_fini(struct address_ranges *r);

#endif
