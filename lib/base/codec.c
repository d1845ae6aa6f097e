#include "base/codec.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char HEX[] = "0123456789abcdef";

static char *encode(const uint8_t *in, size_t length, const char *alphabet, bool is_padded)
{
    char *text = xmalloc(BASE64_LEN(length) + 1), *out = text;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)in[i + 2] : 0;
        *out++ = alphabet[group >> 18 & 63];
        *out++ = alphabet[group >> 12 & 63];
        if (left > 1 || is_padded)
            *out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        if (left > 2 || is_padded)
            *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
    *out = '\0';
    return text;
}

char *base64_encode(const void *bytes, size_t length)
{
    return encode(bytes, length, STANDARD, true);
}

char *base64url_encode(const void *bytes, size_t length)
{
    return encode(bytes, length, URL_SAFE, false);
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters, of which the last `padding` are '='. -1 on an invalid character or surplus bits.
 */
static int decode_group(const char *in, size_t padding, uint8_t out[3])
{
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - padding ? digit_of(in[i]) : 0;
        if (digit < 0)
            return -1;
        group = group << 6 | (uint32_t)digit;
    }
    uint32_t surplus = padding == 2 ? group & 0xffff : padding == 1 ? group & 0xff : 0;
    if (surplus != 0)
        return -1;
    out[0] = (uint8_t)(group >> 16);
    out[1] = (uint8_t)(group >> 8);
    out[2] = (uint8_t)group;
    return 0;
}

static size_t padding_of(struct view text)
{
    if (text.len == 0 || text.ptr[text.len - 1] != '=')
        return 0;
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

/* With out == NULL it only checks, so that an invalid text leaves the output untouched. */
static int decode_all(struct view text, size_t padding, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t group[3];
        size_t here = i + 4 == text.len ? padding : 0;
        if (decode_group(text.ptr + i, here, group) < 0)
            return -1;
        if (out != NULL)
            memcpy(out + i / 4 * 3, group, 3 - here);
        /* it may be part of a keyset */
        explicit_bzero(group, sizeof(group));
    }
    return 0;
}

int base64_decode(struct view text, void *out, size_t capacity, size_t *ret_length)
{
    if (text.len % 4 != 0)
        return -1;
    size_t padding = padding_of(text), length = text.len / 4 * 3 - padding;
    if (length > capacity || decode_all(text, padding, NULL) < 0)
        return -1;
    *ret_length = length;
    return decode_all(text, padding, out);
}

char *hex_encode(const void *bytes, size_t length)
{
    const uint8_t *in = bytes;
    char *text = xmalloc(length * 2 + 1);
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = HEX[in[i] >> 4];
        text[2 * i + 1] = HEX[in[i] & 15];
    }
    text[length * 2] = '\0';
    return text;
}
