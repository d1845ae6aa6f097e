/*
 * Logging: JSON lines on standard error that Cloud Logging understands
 * ("severity", "message", "time" and the pairs given), or plain text for people.
 *
 * Only main programs and the code that handles an error log; library code
 * returns errors. Values are escaped, one line each, and cut at 8 KiB. A field
 * list is pairs of strings ended by NULL:
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
enum log_level log_level_now(void);
/* -1 when the word is none of debug, info, warning, error. */
int log_level_from_name(const char *name, enum log_level *ret) MUST_CHECK;

void log_debug(const char *message, ...) __attribute__((sentinel));
void log_info(const char *message, ...) __attribute__((sentinel));
void log_warning(const char *message, ...) __attribute__((sentinel));
void log_error(const char *message, ...) __attribute__((sentinel));
/* With the error's whole text, reason and object as fields. */
void log_failure(enum log_level level, const struct err *e, const char *message, ...)
    __attribute__((sentinel));

#endif
