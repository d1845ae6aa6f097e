#include "os/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "os/loop.h"

#include "base/banned.h"

enum { VALUE_MAX = 8 * 1024, LINE_MAX_BYTES = 64 * 1024 };

/* Values of Cloud Logging's LogSeverity. */
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

enum log_level log_get_level(void)
{
    return settings.level;
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

/* Escapes as for a JSON string; in plain text the same escapes keep a terminal safe. */
static void add_escaped(struct strbuf *line, const char *value)
{
    struct view rest = view_from(value);
    size_t start = line->len;
    while (rest.len > 0 && line->len - start < VALUE_MAX) {
        unsigned char first = (unsigned char)rest.ptr[0];
        size_t length = utf8_length(rest);
        if (length == 0)
            strbuf_add_text(line, UTF8_REPLACEMENT);
        else if (first == '"' || first == '\\')
            strbuf_addf(line, "\\%c", first);
        else if (first == '\n')
            strbuf_add_text(line, "\\n");
        else if (first < 0x20 || first == 0x7f)
            strbuf_addf(line, "\\u%04x", first);
        else
            strbuf_add(line, rest.ptr, length);
        rest = view_skip(rest, length == 0 ? 1 : length);
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

/* One write, so that lines of different threads do not mix. */
static void finish(struct strbuf *line)
{
    strbuf_add_text(line, settings.format == LOG_FORMAT_JSON ? "}\n" : "\n");
    (void)!write(STDERR_FILENO, strbuf_text(line), line->len); /* a failure cannot be reported */
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
    add_pair(&line, "reason", err_code_name(e->code));
    if (e->object != NULL)
        add_pair(&line, "object", e->object);
    va_list pairs;
    va_start(pairs, message);
    add_pairs(&line, pairs);
    va_end(pairs);
    finish(&line);
}
