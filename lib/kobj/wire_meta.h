/*
 * What is read of the types that all kinds have in common, as tables for kobj/wire.h:
 * k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto. managedFields are left out.
 */
#ifndef KOBJ_WIRE_META_H
#define KOBJ_WIRE_META_H

#include "kobj/wire.h"

extern const struct wire_message wire_object_meta;
extern const struct wire_message wire_list_meta;
extern const struct wire_message wire_status;

#endif
