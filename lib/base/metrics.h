/*
 * Measurements and their text for Prometheus (exposition format 0.0.4).
 *
 * A registry is made from a table of rows (base/metric_rows.def), which it borrows; a measurement names its
 * row by its place there. A row with labels holds one series for each combination of their values, from the
 * first time that it is named on; one without labels is there from the start. Keep label values to a small
 * closed set: a series is never forgotten, but by metrics_clear. Pure; nothing fails. One thread.
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
    const char *labels; /* their names, separated by commas; "" = none */
    const char *help;
    const double *buckets; /* of a histogram: upper bounds, ascending, ended by 0; "+Inf" comes by itself */
};

struct metrics;

struct metrics *metrics_new(const struct metric_row *rows, size_t count) MUST_CHECK RETURNS_NONNULL;
void metrics_free(struct metrics *m); /* NULL is fine */

/* values: of the labels, in their order; NULL for a row without. Copied. */
/* Counts, or moves a gauge; by 0 makes the series show. */
void metrics_add(struct metrics *m, size_t row, const char *const *values, double by);
void metrics_set(struct metrics *m, size_t row, const char *const *values, double value);
/* For a histogram. */
void metrics_observe(struct metrics *m, size_t row, const char *const *values, double value);
/* Forgets the series of a row: those of a gauge that is set anew as a whole. */
void metrics_clear(struct metrics *m, size_t row);

/* All of it, row by row. A row without series is left out. */
void metrics_write(const struct metrics *m, struct strbuf *out);

#endif
