#include "base/crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "base/banned.h"

enum { POLYNOMIAL = (int)0x82f63b78 }; /* reflected */

static uint32_t crc_of_byte(uint32_t byte)
{
    for (int bit = 0; bit < 8; bit++)
        byte = byte & 1 ? byte >> 1 ^ (uint32_t)POLYNOMIAL : byte >> 1;
    return byte;
}

static uint32_t update_portable(uint32_t crc, const uint8_t *in, size_t length)
{
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ crc_of_byte((crc ^ in[i]) & 0xff);
    return crc;
}

#if defined(__x86_64__)
/* The instruction has a latency of three cycles, so three streams run side by side and are joined; the
 * stride is long because joining costs thousands of operations. */
enum { STRIDE = 64 * 1024 };

__attribute__((target("sse4.2"))) static uint64_t step(uint64_t crc, const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, sizeof(word));
    return _mm_crc32_u64(crc, word);
}

__attribute__((target("sse4.2"))) static uint32_t update_sse42(uint32_t crc, const uint8_t *in, size_t length)
{
    uint64_t a = crc;
    while (length >= 3 * STRIDE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < STRIDE; i += 8) {
            a = step(a, in + i);
            b = step(b, in + STRIDE + i);
            c = step(c, in + 2 * STRIDE + i);
        }
        /* Without the inversions of the public function the combination is the bare linear one. */
        a = crc32c_combine((uint32_t)a, (uint32_t)b, STRIDE);
        a = crc32c_combine((uint32_t)a, (uint32_t)c, STRIDE);
        in += 3 * STRIDE;
        length -= 3 * STRIDE;
    }
    for (; length >= 8; length -= 8, in += 8)
        a = step(a, in);
    for (; length > 0; length--, in++)
        a = _mm_crc32_u8((uint32_t)a, *in);
    return (uint32_t)a;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~update_sse42(~crc, bytes, length);
#endif
    return ~update_portable(~crc, bytes, length);
}

/* Multiplies a vector of 32 bits by a matrix over GF(2). */
static uint32_t times(const uint32_t matrix[32], uint32_t vector)
{
    uint32_t sum = 0;
    for (int row = 0; vector != 0; row++, vector >>= 1)
        if (vector & 1)
            sum ^= matrix[row];
    return sum;
}

static void square(uint32_t out[32], const uint32_t in[32])
{
    for (int row = 0; row < 32; row++)
        out[row] = times(in, in[row]);
}

uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b)
{
    uint32_t odd[32], even[32];
    odd[0] = (uint32_t)POLYNOMIAL; /* one zero bit */
    for (int row = 1; row < 32; row++)
        odd[row] = 1u << (row - 1);
    square(even, odd); /* two */
    square(odd, even); /* four */
    while (length_b != 0) {
        square(even, odd); /* one zero byte at first, then its squares */
        if (length_b & 1)
            crc_a = times(even, crc_a);
        length_b >>= 1;
        memcpy(odd, even, sizeof(odd));
    }
    return crc_a ^ crc_b;
}
