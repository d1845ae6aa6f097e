#include "base/rfc3339.h"

#include <stdio.h>

#include "base/banned.h"

static const int64_t SECOND_US = 1000000;

/* Days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant's days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int read_number(struct view text, size_t at, size_t digits, int64_t low, int64_t high, int64_t *ret)
{
    uint64_t value = 0;
    if (text.len < at + digits || !view_to_u64(view_of(text.ptr + at, digits), &value))
        return -1;
    *ret = (int64_t)value;
    return *ret < low || *ret > high ? -1 : 0;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - days_of(year, month, 1);
}

/* Reads ".123" as microseconds and moves *at past it. */
static int read_fraction(struct view text, size_t *at, int64_t *ret_us)
{
    int64_t unit = SECOND_US / 10;
    *ret_us = 0;
    if (*at >= text.len || text.ptr[*at] != '.')
        return 0;
    size_t start = ++*at;
    for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; (*at)++, unit /= 10)
        *ret_us += unit * (text.ptr[*at] - '0');
    return *at == start ? -1 : 0;
}

/* Reads "Z" or "+01:30", which must end the text, as microseconds east of UTC. */
static int read_zone(struct view text, size_t at, int64_t *ret_us)
{
    int64_t hours = 0, minutes = 0;
    if (at + 1 == text.len && (text.ptr[at] == 'Z' || text.ptr[at] == 'z')) {
        *ret_us = 0;
        return 0;
    }
    if (at + 6 != text.len || (text.ptr[at] != '+' && text.ptr[at] != '-') || text.ptr[at + 3] != ':')
        return -1;
    if (read_number(text, at + 1, 2, 0, 23, &hours) < 0 || read_number(text, at + 4, 2, 0, 59, &minutes) < 0)
        return -1;
    *ret_us = (hours * 60 + minutes) * 60 * SECOND_US * (text.ptr[at] == '-' ? -1 : 1);
    return 0;
}

int rfc3339_parse(struct view text, int64_t *ret_us)
{
    int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, part_us = 0, zone_us = 0;
    size_t at = 19;
    if (text.len < 20 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        (text.ptr[10] != 'T' && text.ptr[10] != 't') || text.ptr[13] != ':' || text.ptr[16] != ':')
        return -1;
    if (read_number(text, 0, 4, 0, 9999, &year) < 0 || read_number(text, 5, 2, 1, 12, &month) < 0 ||
        read_number(text, 8, 2, 1, days_in_month(year, month), &day) < 0 ||
        read_number(text, 11, 2, 0, 23, &hour) < 0 || read_number(text, 14, 2, 0, 59, &minute) < 0 ||
        read_number(text, 17, 2, 0, 60, &second) < 0)
        return -1;
    if (read_fraction(text, &at, &part_us) < 0 || read_zone(text, at, &zone_us) < 0)
        return -1;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *ret_us = seconds * SECOND_US + part_us - zone_us;
    return 0;
}

struct civil {
    int year, month, day, hour, minute, second, micros;
};

static struct civil civil_of(int64_t us)
{
    int64_t seconds = us / SECOND_US - (us % SECOND_US < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0), rest = seconds - days * 86400;
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    return (struct civil){
        .year = (int)(year_of_era + era * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .micros = (int)(us - seconds * SECOND_US),
    };
}

void rfc3339_format_seconds(int64_t us, char out[RFC3339_SIZE])
{
    struct civil c = civil_of(us);
    snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)c.year % 10000u,
             (unsigned)c.month % 100u, (unsigned)c.day % 100u, (unsigned)c.hour % 100u,
             (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
}

void rfc3339_format_micros(int64_t us, char out[RFC3339_SIZE])
{
    struct civil c = civil_of(us);
    snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)c.year % 10000u,
             (unsigned)c.month % 100u, (unsigned)c.day % 100u, (unsigned)c.hour % 100u,
             (unsigned)c.minute % 100u, (unsigned)c.second % 100u, (unsigned)c.micros % 1000000u);
}
