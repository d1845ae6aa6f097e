#include "base/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { LABELS_MAX = 8, LABELS_TEXT_MAX = 4096 };

struct metric_series {
    struct metric_series *next;
    char *labels; /* in the exposition format: code="200",method="GET" */
    double value; /* of a histogram: the sum */
    uint64_t count;
    uint64_t buckets[]; /* not cumulative */
};

struct metrics {
    const struct metric_row *rows;
    size_t count;
    struct metric_series **first; /* of each row */
};

static size_t bucket_count(const struct metric_row *row)
{
    size_t n = 0;
    while (row->kind == METRIC_HISTOGRAM && row->buckets[n] > 0)
        n++;
    return n;
}

/* ---- text ---- */
static void add_escaped(struct strbuf *out, const char *text, bool is_quoted)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            strbuf_add_text(out, "\\n");
        else if (*text == '\\' || (is_quoted && *text == '"'))
            strbuf_addf(out, "\\%c", *text);
        else
            strbuf_add_char(out, *text);
    }
}

/* The labels as written between the braces. */
static char *label_text(const struct metric_row *row, const char *const *values)
{
    struct strbuf text = STRBUF(LABELS_TEXT_MAX);
    struct view rest = view_from(row->labels);
    for (size_t i = 0; rest.len > 0 && i < LABELS_MAX; i++) {
        struct view name = view_cut(rest, ',', &rest);
        if (i > 0)
            strbuf_add_char(&text, ',');
        strbuf_add_view(&text, name);
        strbuf_add_text(&text, "=\"");
        add_escaped(&text, values[i], true);
        strbuf_add_char(&text, '"');
    }
    return strbuf_take(&text);
}

/* Whole numbers are written without a fraction, others with 15 significant digits. */
static void add_number(struct strbuf *out, double value)
{
    if (isinf(value) || isnan(value))
        strbuf_add_text(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    else
        strbuf_addf(out, "%.15g", value);
}

static void add_sample(struct strbuf *out, const char *name, const char *suffix, const char *labels,
                       double value)
{
    strbuf_addf(out, "%s%s", name, suffix);
    if (*labels != '\0')
        strbuf_addf(out, "{%s}", labels);
    strbuf_add_char(out, ' ');
    add_number(out, value);
    strbuf_add_char(out, '\n');
}

static void add_bucket(struct strbuf *out, const struct metric_row *row, const struct metric_series *s,
                       double bound, uint64_t count)
{
    strbuf_addf(out, "%s_bucket{%s%sle=\"", row->name, s->labels, *s->labels != '\0' ? "," : "");
    add_number(out, bound);
    strbuf_addf(out, "\"} %" PRIu64 "\n", count);
}

static void add_histogram(struct strbuf *out, const struct metric_row *row, const struct metric_series *s)
{
    uint64_t below = 0;
    for (size_t i = 0; i < bucket_count(row); i++) {
        below += s->buckets[i];
        add_bucket(out, row, s, row->buckets[i], below);
    }
    add_bucket(out, row, s, INFINITY, s->count);
    add_sample(out, row->name, "_sum", s->labels, s->value);
    add_sample(out, row->name, "_count", s->labels, (double)s->count);
}

void metrics_write(const struct metrics *m, struct strbuf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < m->count; i++) {
        const struct metric_row *row = &m->rows[i];
        if (m->first[i] == NULL)
            continue;
        strbuf_addf(out, "# HELP %s ", row->name);
        add_escaped(out, row->help, false);
        strbuf_addf(out, "\n# TYPE %s %s\n", row->name, types[row->kind]);
        for (const struct metric_series *s = m->first[i]; s != NULL; s = s->next) {
            if (row->kind == METRIC_HISTOGRAM)
                add_histogram(out, row, s);
            else
                add_sample(out, row->name, "", s->labels, s->value);
        }
    }
}

/* ---- series ---- */
static struct metric_series *series_of(struct metrics *m, size_t row, const char *const *values)
{
    char *labels CLEANUP(cleanup_free) = label_text(&m->rows[row], values);
    struct metric_series **at = &m->first[row];
    while (*at != NULL && strcmp((*at)->labels, labels) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at) + bucket_count(&m->rows[row]) * sizeof((*at)->buckets[0]));
        (*at)->labels = TAKE_PTR(labels);
    }
    return *at;
}

void metrics_add(struct metrics *m, size_t row, const char *const *values, double by)
{
    series_of(m, row, values)->value += by;
}

void metrics_set(struct metrics *m, size_t row, const char *const *values, double value)
{
    series_of(m, row, values)->value = value;
}

void metrics_observe(struct metrics *m, size_t row, const char *const *values, double value)
{
    const struct metric_row *r = &m->rows[row];
    struct metric_series *s = series_of(m, row, values);
    size_t count = bucket_count(r), at = 0;
    while (at < count && value > r->buckets[at])
        at++;
    if (at < count)
        s->buckets[at]++;
    s->count++;
    s->value += value;
}

void metrics_clear(struct metrics *m, size_t row)
{
    while (m->first[row] != NULL) {
        struct metric_series *s = m->first[row];
        m->first[row] = s->next;
        free(s->labels);
        free(s);
    }
}

/* ---- life ---- */
struct metrics *metrics_new(const struct metric_row *rows, size_t count)
{
    struct metrics *m = xcalloc(1, sizeof(*m));
    m->rows = rows;
    m->count = count;
    m->first = xcalloc(count, sizeof(*m->first));
    for (size_t i = 0; i < count; i++)
        if (*rows[i].labels == '\0')
            (void)series_of(m, i, NULL);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->count; i++)
        metrics_clear(m, i);
    free(m->first);
    free(m);
}
