/*
 * Addresses that people write: URLs, gs:// URIs and ranges of IP addresses. A part of a URL lies within it,
 * an escaped text has only characters that need no escape, and a range contains the addresses that it is made
 * of, in all forms.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "gcp/gcs.h"
#include "net/ranges.h"
#include "net/url.h"

#include "base/banned.h"

static void check_url(const char *text)
{
    struct url url = {.port = 77};
    struct err e = {0};
    struct view whole = view_from(text);
    if (url_parse(text, &url, &e) < 0) {
        CHECK(e.code == ERR_INVALID && url.port == 77);
        fuzz_check_error(&e);
        return;
    }
    CHECK(url.port > 0 && url.port <= 65535 && url.host.len > 0);
    CHECK(fuzz_is_within(url.host, whole) && fuzz_is_within(url.scheme, whole));
    CHECK(url.path == text + whole.len - strlen(url.path) || *url.path == '\0');
    CHECK(strchr("/?#", *url.path) != NULL); /* or the end */
}

static void check_escapes(const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%";
    char *escaped CLEANUP(cleanup_free) = url_encode(text);
    CHECK(strspn(escaped, PLAIN) == strlen(escaped) && strlen(escaped) >= strlen(text));
}

static void check_uri(const char *text)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *name CLEANUP(cleanup_free) = NULL;
    struct err e = {0};
    if (gcs_uri_parse(text, &bucket, &name, &e) < 0) {
        CHECK(e.code == ERR_INVALID && bucket == NULL && name == NULL);
        fuzz_check_error(&e);
        return;
    }
    char *same CLEANUP(cleanup_free) = gcs_uri(bucket, name);
    CHECK(strcmp(same, text) == 0 || (*name == '\0' && strlen(same) == strlen(text) + 1));
}

/* An IPv4 address is in the range in each of its forms, or in none. */
static void check_forms(const struct address_ranges *r, const uint8_t ipv4[4])
{
    struct sockaddr_in plain = {.sin_family = AF_INET};
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    memcpy(&plain.sin_addr, ipv4, 4);
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(mapped.sin6_addr.s6_addr + 12, ipv4, 4);
    bool is_in = ranges_contain(r, (const struct sockaddr *)&plain);
    CHECK(ranges_contain(r, (const struct sockaddr *)&mapped) == is_in);
    struct sockaddr_in6 nat64 = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0x00, 0x64, 0xff, 0x9b}};
    memcpy(nat64.sin6_addr.s6_addr + 12, ipv4, 4);
    CHECK(!is_in || ranges_contain(r, (const struct sockaddr *)&nat64));
    struct sockaddr_in6 sixtofour = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0x20, 0x02}};
    memcpy(sixtofour.sin6_addr.s6_addr + 2, ipv4, 4);
    CHECK(!is_in || ranges_contain(r, (const struct sockaddr *)&sixtofour));
}

static void check_ranges(const char *text)
{
    struct address_ranges r = {.list = NULL};
    struct err e = {0};
    if (ranges_add_list(&r, text, &e) < 0) {
        CHECK(e.code == ERR_INVALID);
        fuzz_check_error(&e);
    }
    for (size_t i = 0; i < r.count; i++) {
        struct sockaddr_in6 first = {.sin6_family = AF_INET6};
        memcpy(first.sin6_addr.s6_addr, r.list[i].bytes, ADDRESS_SIZE);
        CHECK(r.list[i].bits <= 128 && ranges_contain(&r, (const struct sockaddr *)&first));
        check_forms(&r, r.list[i].bytes + 12);
        check_forms(&r, r.list[i].bytes);
    }
    CHECK(!ranges_contain(&r, &(struct sockaddr){.sa_family = AF_UNIX}));
    ranges_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct view rest = view_of(bytes, length);
    while (rest.len > 0) {
        char *text CLEANUP(cleanup_free) = view_dup(view_cut(rest, '\n', &rest));
        check_url(text);
        check_escapes(text);
        check_uri(text);
        check_ranges(text);
    }
    return 0;
}
