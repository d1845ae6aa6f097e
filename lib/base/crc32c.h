/*
 * CRC-32C (Castagnoli), as Cloud KMS and Cloud Storage use it. Uses the SSE 4.2
 * instruction where the CPU has it. Pure; cannot fail.
 * Check value: crc32c(0, "123456789", 9) == 0xe3069283.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues crc (0 at the start) over length bytes. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
/* The CRC of A || B from the CRCs of A and B and the length of B in bytes. */
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

#endif
