/*
 * The protobuf form of a pod, for kobj/wire.h: the fields that pod_facts_new() reads, and all that count in
 * the fingerprint.
 */
#ifndef MODEL_POD_WIRE_H
#define MODEL_POD_WIRE_H

#include "kobj/wire.h"

extern const struct wire_message pod_wire;

#endif
