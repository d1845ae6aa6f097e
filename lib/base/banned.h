/*
 * Functions that are not used in Cloister. Include last in every .c file:
 * poisoning a name before a system header mentions it would break that header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The fortified libc has some of them as macros, which clang does not like to see poisoned. */
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok strtok_r strncpy strncat
#pragma GCC poison atoi atol atoll tmpnam tempnam mktemp system popen

#endif
