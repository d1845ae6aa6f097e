/*
 * Logging to standard error: JSON lines that Cloud Logging understands ("severity",
 * "time", "message" and the given fields), or plain text.
 *
 * Only programs and the code that handles an error log; library code returns errors.
 * The message says what is done. Values are escaped to one line and cut at 8 KiB.
 * Fields are pairs of strings ended by NULL:
 *
 *     log_info("attempt started", "job", name, "attempt", "2", NULL);
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/attr.h"
#include "base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

void log_setup(enum log_format format, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* -1 unless name is debug, info, warning or error. */
int log_level_from_name(const char *name, enum log_level *ret) MUST_CHECK;

void log_debug(const char *message, ...) __attribute__((sentinel));
void log_info(const char *message, ...) __attribute__((sentinel));
void log_warning(const char *message, ...) __attribute__((sentinel));
void log_error(const char *message, ...) __attribute__((sentinel));
/* Adds the error's text, reason and object as fields. */
void log_failure(enum log_level level, const struct err *e, const char *message, ...)
    __attribute__((sentinel));

#endif
