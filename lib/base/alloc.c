#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static void NORETURN exhausted(size_t size)
{
    fprintf(stderr, "cloister: out of memory (%zu bytes)\n", size);
    abort();
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(size == 0 ? 1 : size);
    if (ptr == NULL)
        exhausted(size);
    return ptr;
}

void *xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (ptr == NULL)
        exhausted(size);
    return ptr;
}

void *xreallocarray(void *ptr, size_t count, size_t size)
{
    void *grown = reallocarray(ptr, count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (grown == NULL)
        exhausted(size);
    return grown;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t length)
{
    char *copy = xmalloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *xvasprintf(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        exhausted(0);
    return text;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    return text;
}
