#include "data/quantity.h"

#include "base/banned.h"

/* A decimal number: its digits without the point, and how many of them follow the point. */
struct decimal {
    int64_t digits;
    int point;
};

static const struct suffix {
    const char *text;
    int base;
    int power; /* of ten for base 10, of 1024 for base 2 */
} suffixes[] = {
    {"n", 10, -9}, {"u", 10, -6}, {"m", 10, -3}, {"", 10, 0},   {"k", 10, 3}, {"M", 10, 6},
    {"G", 10, 9},  {"T", 10, 12}, {"P", 10, 15}, {"E", 10, 18}, {"Ki", 2, 1}, {"Mi", 2, 2},
    {"Gi", 2, 3},  {"Ti", 2, 4},  {"Pi", 2, 5},  {"Ei", 2, 6},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Parses the number at the start of *text, which is then the suffix. */
static int take_decimal(struct view *text, struct decimal *ret)
{
    struct decimal d = {0};
    bool has_point = false;
    size_t digits = 0;
    for (; text->len > 0; *text = view_skip(*text, 1)) {
        char c = *text->ptr;
        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        if (__builtin_mul_overflow(d.digits, 10, &d.digits) ||
            __builtin_add_overflow(d.digits, c - '0', &d.digits))
            return -1;
        d.point += has_point ? 1 : 0;
        digits++;
    }
    if (digits == 0)
        return -1;
    *ret = d;
    return 0;
}

/* "e3", "E-2": an exponent of ten. */
static int parse_exponent(struct view text, int *ret_power)
{
    bool is_negative = text.len > 1 && text.ptr[1] == '-';
    struct view digits = view_skip(text, (text.len > 1 && (is_negative || text.ptr[1] == '+')) ? 2 : 1);
    uint64_t n = 0;
    if (!view_to_u64(digits, &n) || n > 18)
        return -1;
    *ret_power = is_negative ? -(int)n : (int)n;
    return 0;
}

static int parse_suffix(struct view text, int *ret_base, int *ret_power)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (view_equal_text(text, suffixes[i].text)) {
            *ret_base = suffixes[i].base;
            *ret_power = suffixes[i].power;
            return 0;
        }
    if (text.len < 2 || (text.ptr[0] != 'e' && text.ptr[0] != 'E'))
        return -1;
    *ret_base = 10;
    return parse_exponent(text, ret_power);
}

static int multiply(int64_t *value, int64_t factor, int times)
{
    for (int i = 0; i < times; i++)
        if (__builtin_mul_overflow(*value, factor, value))
            return -1;
    return 0;
}

static void divide_rounding_up(int64_t *value, int times)
{
    bool has_rest = false;
    for (int i = 0; i < times; i++) {
        has_rest = has_rest || *value % 10 != 0;
        *value /= 10;
    }
    *value += has_rest ? 1 : 0;
}

int quantity_parse(struct view text, int64_t *ret)
{
    struct decimal d = {0};
    int base = 10;
    int power = 0;
    if (take_decimal(&text, &d) < 0 || parse_suffix(text, &base, &power) < 0)
        return -1;
    int64_t value = d.digits;
    if (base == 2) {
        if (multiply(&value, 1024, power) < 0)
            return -1;
        divide_rounding_up(&value, d.point);
    } else if (power >= d.point) {
        if (multiply(&value, 10, power - d.point) < 0)
            return -1;
    } else {
        divide_rounding_up(&value, d.point - power);
    }
    *ret = value;
    return 0;
}

int quantity_from_json(const json_t *value, int64_t *ret)
{
    if (json_is_string(value))
        return quantity_parse(view_of(json_string_value(value), json_string_length(value)), ret);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return -1;
    *ret = json_integer_value(value);
    return 0;
}
