/*
 * Heads of HTTP responses: headers are found whatever their case, those of an interim response are forgotten,
 * and ranges are read as the same when they are written again. Lines of the input are lines of the head.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "gcp/byte_range.h"
#include "net/http_int.h"

#include "base/banned.h"

enum { MOST_SECONDS = 86400 };

/* As each program does: from then on libcurl, which reads the dates, has our allocator. */
static void start_once(void)
{
    static bool is_started;
    struct err e = {0};
    if (is_started)
        return;
    CHECK(http_global_init(&e) == 0);
    CURL *easy = curl_easy_init();
    CHECK(easy != NULL);
    curl_easy_setopt(easy, CURLOPT_URL, "https://storage.googleapis.com");
    curl_easy_cleanup(easy);
    is_started = true;
}

/* ---- ranges ---- */
static void check_part(struct view text)
{
    uint64_t first = 77, total = UINT64_MAX, again = 0, again_total = UINT64_MAX;
    if (!byte_range_read_part(text, &first, &total)) {
        CHECK(first == 77 && total == UINT64_MAX);
        return;
    }
    CHECK(first < total);
    char *known CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)total);
    char *same CLEANUP(cleanup_free) =
        xasprintf("bytes %llu-%llu/%s", (unsigned long long)first, (unsigned long long)first,
                  total == UINT64_MAX ? "*" : known);
    CHECK(byte_range_read_part(view_from(same), &again, &again_total) && again == first &&
          again_total == total);
}

static void check_arrived(struct view text)
{
    uint64_t end = 77, again = 0;
    if (!byte_range_read_arrived(text, &end)) {
        CHECK(end == 77);
        return;
    }
    CHECK((end == 0) == (text.len == 0));
    char *same CLEANUP(cleanup_free) = xasprintf("bytes=0-%llu", (unsigned long long)end - 1);
    CHECK(end == 0 || (byte_range_read_arrived(view_from(same), &again) && again == end));
}

/* ---- heads ---- */
/* The first header that is in no way odd is found under its name in capitals, too. */
static void check_names(const struct http_response *r)
{
    struct view rest = strbuf_view(&r->headers), value;
    struct view line = view_cut(rest, '\n', &rest), name = view_cut(line, ':', &value);
    char *key CLEANUP(cleanup_free) = view_dup(name);
    if (strlen(key) != name.len)
        return;
    CHECK(view_equal(http_response_header(r, key), view_trim(value)));
    for (char *at = key; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    CHECK(view_equal(http_response_header(r, key), view_trim(value)));
}

static void check_head(const struct http_response *r)
{
    static const char *const names[] = {"Content-Range", "Range", "Location", "x-goog-generation",
                                        "Content-Encoding"};
    struct view all = strbuf_view(&r->headers);
    int seconds = http_response_retry_after(r, INT64_C(1767225600) * 1000000);
    CHECK(seconds >= -1 && seconds <= MOST_SECONDS);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct view value = http_response_header(r, names[i]);
        CHECK(fuzz_is_within(value, all) && (value.len == 0 || memchr(value.ptr, '\n', value.len) == NULL));
        check_part(value);
        check_arrived(value);
    }
    if (all.len > 0)
        check_names(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct view rest = view_of(bytes, length);
    struct http_response r;
    start_once();
    http_response_init(&r);
    while (rest.len > 0) {
        struct view line = view_cut(rest, '\n', &rest);
        http_response_add_line(&r, line);
        if (view_has_prefix(view_trim(line), "HTTP/"))
            CHECK(r.headers.len == 0);
        check_part(view_trim(line));
        check_arrived(view_trim(line));
    }
    check_head(&r);
    strbuf_add(&r.body, bytes, length);
    http_response_fini(&r);
    return 0;
}
