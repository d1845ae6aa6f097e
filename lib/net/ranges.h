/*
 * Ranges of IP addresses in CIDR notation, and whether they contain an address. Pure.
 *
 * An IPv4 address is the same in all its forms: as such, mapped into IPv6, and embedded
 * for NAT64 (64:ff9b::/96) or 6to4 (2002::/16). A range that contains one form contains
 * all of them. The caller owns the list and frees it with ranges_fini.
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

/* Adds "10.0.0.0/8", "fd00::/8" or a single address. ERR_INVALID for other texts, and when bits are set after
 * the prefix. */
int ranges_add(struct address_ranges *r, const char *text, struct err *e) MUST_CHECK;
/* Adds several, separated by commas; an empty text adds none. */
int ranges_add_list(struct address_ranges *r, const char *text, struct err *e) MUST_CHECK;
/* False for addresses that are neither IPv4 nor IPv6. */
bool ranges_contain(const struct address_ranges *r, const struct sockaddr *address);
void ranges_fini(struct address_ranges *r);

#endif
