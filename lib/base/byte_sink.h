/*
 * Where a producer puts bytes: a callback and its context, passed by value.
 *
 * take gets every byte once and in order, in portions of any length that are
 * valid for the call. It returns -1 with *e set to stop the producer, which then
 * fails with that error. The context is borrowed.
 */
#ifndef BASE_BYTE_SINK_H
#define BASE_BYTE_SINK_H

#include <stddef.h>

#include "base/err.h"

struct byte_sink {
    int (*take)(void *context, const void *bytes, size_t length, struct err *e);
    void *context;
};

#endif
