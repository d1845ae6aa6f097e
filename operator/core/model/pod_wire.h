/*
 * A pod in protobuf, as far as it is read here: what pod_facts_new() takes from its JSON,
 * and what its fingerprint is made of, in full. For kobj/wire.h.
 */
#ifndef MODEL_POD_WIRE_H
#define MODEL_POD_WIRE_H

#include "kobj/wire.h"

extern const struct wire_message pod_wire;

#endif
