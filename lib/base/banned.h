/*
 * Functions that must not be used in Cloister. Include it last in every .c file:
 * poisoning a name before a system header declares it breaks that header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The fortified libc defines some of them as macros, and clang refuses to poison a macro. */
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok strtok_r strncpy strncat
#pragma GCC poison atoi atol atoll tmpnam tempnam mktemp system popen

#endif
