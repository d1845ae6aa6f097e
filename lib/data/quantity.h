/*
 * Kubernetes' quantities ("500m", "8Gi", "1e3", 5) as whole numbers.
 * Source: k8s.io/apimachinery/pkg/api/resource. Pure.
 */
#ifndef DATA_QUANTITY_H
#define DATA_QUANTITY_H

#include <stdint.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/view.h"

/* Rounds up to a whole unit. -1 when the text is not a quantity, is negative or does not fit. */
int quantity_parse(struct view text, int64_t *ret) MUST_CHECK;
/* The same for a JSON string or integer (the API's int-or-string). */
int quantity_from_json(const json_t *value, int64_t *ret) MUST_CHECK;

#endif
