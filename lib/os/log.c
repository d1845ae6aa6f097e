#include "os/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "os/loop.h"

#include "base/banned.h"

enum { VALUE_MAX = 8 * 1024, LINE_MAX_BYTES = 64 * 1024 };

/* The words of Cloud Logging's LogSeverity. */
static const char *const SEVERITIES[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
static const char *const NAMES[] = {"debug", "info", "warning", "error"};

static struct {
    enum log_format format;
    enum log_level level;
} settings = {.format = LOG_FORMAT_TEXT, .level = LOG_LEVEL_INFO};

void log_setup(enum log_format format, enum log_level level)
{
    settings.format = format;
    settings.level = level;
}

void log_set_level(enum log_level level)
{
    settings.level = level;
}

int log_level_from_name(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(NAMES[i], name) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

/* Length of the well-formed UTF-8 sequence at text (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                    : (text[0] & 0xf0) == 0xe0          ? 3
                                                        : 4;
    if (text[0] > 0xf4 || (text[0] >= 0x80 && text[0] < 0xc2))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

/* JSON string content on one line; in plain text the same escapes keep a terminal safe. */
static void add_escaped(struct strbuf *line, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    size_t start = line->len;
    while (*at != '\0' && line->len - start < VALUE_MAX) {
        size_t length = utf8_length(at);
        if (length == 0) {
            strbuf_add_text(line, "\xef\xbf\xbd");
            at++;
            continue;
        }
        if (*at == '"' || *at == '\\')
            strbuf_addf(line, "\\%c", *at);
        else if (*at == '\n')
            strbuf_add_text(line, "\\n");
        else if (*at < 0x20 || *at == 0x7f)
            strbuf_addf(line, "\\u%04x", *at);
        else
            strbuf_add(line, at, length);
        at += length;
    }
}

static void add_pair(struct strbuf *line, const char *name, const char *value)
{
    if (settings.format == LOG_FORMAT_JSON) {
        strbuf_add_text(line, ",\"");
        add_escaped(line, name);
        strbuf_add_text(line, "\":\"");
        add_escaped(line, value);
        strbuf_add_char(line, '"');
    } else {
        strbuf_addf(line, " %s=", name);
        add_escaped(line, value);
    }
}

static void begin(struct strbuf *line, enum log_level level, const char *message)
{
    char now[RFC3339_SIZE];
    rfc3339_format_micros(clock_wall_us(), now);
    if (settings.format == LOG_FORMAT_JSON) {
        strbuf_addf(line, "{\"severity\":\"%s\",\"time\":\"%s\",\"message\":\"", SEVERITIES[level], now);
        add_escaped(line, message);
        strbuf_add_char(line, '"');
    } else {
        if (level != LOG_LEVEL_INFO)
            strbuf_addf(line, "%s: ", NAMES[level]);
        add_escaped(line, message);
    }
}

static void add_pairs(struct strbuf *line, va_list pairs)
{
    for (const char *name = va_arg(pairs, const char *); name != NULL; name = va_arg(pairs, const char *)) {
        const char *value = va_arg(pairs, const char *);
        add_pair(line, name, value == NULL ? "" : value);
    }
}

/* One write, so that lines of several threads do not mix. */
static void finish(struct strbuf *line)
{
    strbuf_add_text(line, settings.format == LOG_FORMAT_JSON ? "}\n" : "\n");
    (void)!write(STDERR_FILENO, strbuf_text(line), line->len); /* nowhere to complain to */
    strbuf_fini(line);
}

static void log_line(enum log_level level, const char *message, va_list pairs)
{
    if (level < settings.level)
        return;
    struct strbuf line = STRBUF(LINE_MAX_BYTES);
    begin(&line, level, message);
    add_pairs(&line, pairs);
    finish(&line);
}

#define DEFINE_LOG(name, level)                                                                              \
    void name(const char *message, ...)                                                                      \
    {                                                                                                        \
        va_list pairs;                                                                                       \
        va_start(pairs, message);                                                                            \
        log_line(level, message, pairs);                                                                     \
        va_end(pairs);                                                                                       \
    }

DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_error, LOG_LEVEL_ERROR)

void log_failure(enum log_level level, const struct err *e, const char *message, ...)
{
    if (level < settings.level)
        return;
    struct strbuf line = STRBUF(LINE_MAX_BYTES);
    char *text CLEANUP(cleanup_free) = err_text(e);
    begin(&line, level, message);
    add_pair(&line, "error", text);
    add_pair(&line, "reason", err_code_reason(e->code));
    if (e->object != NULL)
        add_pair(&line, "object", e->object);
    va_list pairs;
    va_start(pairs, message);
    add_pairs(&line, pairs);
    va_end(pairs);
    finish(&line);
}
