/*
 * Parses YAML (libyaml) into JSON values: the first document of a text, with the core
 * schema as in kubectl. Aliases are resolved; keys become strings. Depth and number of
 * nodes are limited, so that a hostile file cannot exhaust memory.
 */
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* Parses text, which errors call `what`; the caller owns the value. NULL with *e set to ERR_INVALID, with
 * line and reason. */
json_t *yaml_parse(struct view text, const char *what, struct err *e) MUST_CHECK;

#endif
