/*
 * YAML (libyaml) read as JSON values: the first document of a text, in the core
 * schema that kubectl uses. Anchors are resolved; keys become strings. Depth and
 * number of nodes are limited, so that a hostile file cannot exhaust memory.
 */
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* The caller owns the value. ERR_INVALID with line and reason otherwise; what names the text. */
json_t *yaml_parse(struct view text, const char *what, struct err *e) MUST_CHECK;

#endif
