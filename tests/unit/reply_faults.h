/*
 * How a server commits each fault of gcp/replies.def: what is done to the reply of a
 * request that was carried out.
 */
#ifndef TESTS_UNIT_REPLY_FAULTS_H
#define TESTS_UNIT_REPLY_FAULTS_H

#include "gcp/replies.h"
#include "loopback.h"

struct played_fault {
    int fault;      /* enum reply_fault */
    unsigned kinds; /* enum reply_kind: of the replies that it can be done to */
    void (*play)(struct exchange *x);
};

extern const struct played_fault played_faults[];
extern const size_t played_fault_count;

#endif
