#include "kobj/wire_meta.h"

#include "base/banned.h"

static const struct wire_member owner_reference_members[] = {
    {.number = 4, .key = WIRE_KEY("uid"), .kind = WIRE_TEXT},
    {.number = 6, .key = WIRE_KEY("controller"), .kind = WIRE_BOOL},
};
static const struct wire_message owner_reference = WIRE_MESSAGE_OF(owner_reference_members);

static const struct wire_member object_meta_members[] = {
    {.number = 1, .key = WIRE_KEY("name"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 3, .key = WIRE_KEY("namespace"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 5, .key = WIRE_KEY("uid"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 6, .key = WIRE_KEY("resourceVersion"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 8, .key = WIRE_KEY("creationTimestamp"), .kind = WIRE_TIME},
    {.number = 9, .key = WIRE_KEY("deletionTimestamp"), .kind = WIRE_TIME},
    {.number = 10, .key = WIRE_KEY("deletionGracePeriodSeconds"), .kind = WIRE_INTEGER},
    {.number = 11, .key = WIRE_KEY("labels"), .kind = WIRE_MAP},
    {.number = 12, .key = WIRE_KEY("annotations"), .kind = WIRE_MAP},
    {.number = 13,
     .key = WIRE_KEY("ownerReferences"),
     .kind = WIRE_MESSAGE,
     .is_list = true,
     .message = &owner_reference},
};
const struct wire_message wire_object_meta = WIRE_MESSAGE_OF(object_meta_members);

static const struct wire_member list_meta_members[] = {
    {.number = 2, .key = WIRE_KEY("resourceVersion"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 3, .key = WIRE_KEY("continue"), .kind = WIRE_TEXT, .omits_zero = true},
};
const struct wire_message wire_list_meta = WIRE_MESSAGE_OF(list_meta_members);

static const struct wire_member status_members[] = {
    {.number = 3, .key = WIRE_KEY("message"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 4, .key = WIRE_KEY("reason"), .kind = WIRE_TEXT, .omits_zero = true},
    {.number = 6, .key = WIRE_KEY("code"), .kind = WIRE_INTEGER, .omits_zero = true},
};
const struct wire_message wire_status = WIRE_MESSAGE_OF(status_members);
