/*
 * Functions that are not used in Cloister. Include last in every .c file:
 * poisoning a name before a system header mentions it would break that header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok strtok_r strncpy strncat
#pragma GCC poison atoi atol atoll tmpnam tempnam mktemp system popen alloca

#endif
