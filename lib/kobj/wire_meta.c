/* What all kinds have in common: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto. */
#include "kobj/wire.h"

#include "base/banned.h"

static const struct wire_member owner_reference_members[] = {
    {.number = 1, .name = "kind", .kind = WIRE_TEXT},
    {.number = 3, .name = "name", .kind = WIRE_TEXT},
    {.number = 4, .name = "uid", .kind = WIRE_TEXT},
    {.number = 5, .name = "apiVersion", .kind = WIRE_TEXT},
    {.number = 6, .name = "controller", .kind = WIRE_BOOL},
    {.number = 7, .name = "blockOwnerDeletion", .kind = WIRE_BOOL},
};
static const struct wire_message owner_reference = WIRE_MESSAGE_OF(owner_reference_members);

static const struct wire_member object_meta_members[] = {
    {.number = 1, .name = "name", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 3, .name = "namespace", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 5, .name = "uid", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 6, .name = "resourceVersion", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 7, .name = "generation", .kind = WIRE_INTEGER, .omits_zero = true},
    {.number = 8, .name = "creationTimestamp", .kind = WIRE_TIME},
    {.number = 9, .name = "deletionTimestamp", .kind = WIRE_TIME},
    {.number = 10, .name = "deletionGracePeriodSeconds", .kind = WIRE_INTEGER},
    {.number = 11, .name = "labels", .kind = WIRE_MAP},
    {.number = 12, .name = "annotations", .kind = WIRE_MAP},
    {.number = 13,
     .name = "ownerReferences",
     .kind = WIRE_MESSAGE,
     .is_list = true,
     .message = &owner_reference},
    {.number = 14, .name = "finalizers", .kind = WIRE_TEXT, .is_list = true},
};
const struct wire_message wire_object_meta = WIRE_MESSAGE_OF(object_meta_members);

static const struct wire_member list_meta_members[] = {
    {.number = 2, .name = "resourceVersion", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 3, .name = "continue", .kind = WIRE_TEXT, .omits_zero = true},
};
const struct wire_message wire_list_meta = WIRE_MESSAGE_OF(list_meta_members);

static const struct wire_member status_members[] = {
    {.number = 2, .name = "status", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 3, .name = "message", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 4, .name = "reason", .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 6, .name = "code", .kind = WIRE_INTEGER, .omits_zero = true},
};
const struct wire_message wire_status = WIRE_MESSAGE_OF(status_members);
