/*
 * The part of the framer that splits protobuf. Internal to lib/kube/framer.
 */
#ifndef KUBE_FRAMER_INT_H
#define KUBE_FRAMER_INT_H

#include "kube/framer.h"

int framer_feed_protobuf(struct framer *f, struct view bytes, struct err *e) MUST_CHECK;

#endif
