/*
 * Metrics, and their text in Prometheus' exposition format 0.0.4.
 *
 * A registry is made from a table of rows (base/metric_rows.def), which it borrows; a
 * metric is identified by its index there. A row with labels has one series for each
 * combination of label values, from its first use; a row without labels has its only
 * series from the start. Keep label values to a small closed set: only metrics_clear
 * removes a series. Pure; nothing fails. For one thread.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/strbuf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_row {
    const char *name;
    enum metric_kind kind;
    const char *labels; /* their names, separated by commas; "": none */
    const char *help;
    const double *buckets; /* of a histogram: upper bounds, ascending, ended by 0; "+Inf" is implied */
};

struct metrics;

struct metrics *metrics_new(const struct metric_row *rows, size_t count) MUST_CHECK RETURNS_NONNULL;
void metrics_free(struct metrics *m); /* NULL is fine */

/* values are those of the labels, in their order, and are copied; NULL for a row without labels. */

/* Increases a counter or changes a gauge; adding 0 creates the series. */
void metrics_add(struct metrics *m, size_t row, const char *const *values, double by);
/* Sets a gauge. */
void metrics_set(struct metrics *m, size_t row, const char *const *values, double value);
/* Adds a value to a histogram. */
void metrics_observe(struct metrics *m, size_t row, const char *const *values, double value);
/* Removes all series of a row, before all of its values are set anew. */
void metrics_clear(struct metrics *m, size_t row);

/* Appends all rows that have a series. */
void metrics_write(const struct metrics *m, struct strbuf *out);

#endif
