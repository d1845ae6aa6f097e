#include "data/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/banned.h"

enum { DEPTH_MAX = 64, NODES_MAX = 100000 };

struct reader {
    yaml_document_t *document;
    size_t nodes; /* created so far; each use of an alias counts */
};

static json_t *read_node(struct reader *r, int index, int depth);

static json_t *plain_scalar(const char *text)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
    char *end;
    for (size_t i = 0; i < sizeof(NULLS) / sizeof(*NULLS); i++)
        if (strcmp(text, NULLS[i]) == 0)
            return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "True") == 0)
        return json_true();
    if (strcmp(text, "false") == 0 || strcmp(text, "False") == 0)
        return json_false();
    if (strchr("+-.0123456789", text[0]) != NULL) {
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (errno == 0 && *end == '\0')
            return json_integer(number);
        double real = strtod(text, &end);
        if (*end == '\0' && isfinite(real))
            return json_real(real);
    }
    return json_string(text);
}

static json_t *read_sequence(struct reader *r, const yaml_node_t *node, int depth)
{
    json_t *array = json_array();
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
         item++) {
        json_t *value = read_node(r, *item, depth);
        if (value == NULL || json_array_append_new(array, value) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *read_mapping(struct reader *r, const yaml_node_t *node, int depth)
{
    json_t *object = json_object();
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
        json_t *value = read_node(r, pair->value, depth);
        bool is_text = key != NULL && key->type == YAML_SCALAR_NODE;
        if (value == NULL || !is_text ||
            json_object_set(object, (const char *)key->data.scalar.value, value) < 0) {
            json_decref(value);
            json_decref(object);
            return NULL;
        }
        json_decref(value);
    }
    return object;
}

static json_t *read_node(struct reader *r, int index, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(r->document, index);
    if (node == NULL || depth > DEPTH_MAX || ++r->nodes > NODES_MAX)
        return NULL;
    switch (node->type) {
    case YAML_SCALAR_NODE:
        if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return plain_scalar((const char *)node->data.scalar.value);
        return json_string((const char *)node->data.scalar.value);
    case YAML_SEQUENCE_NODE: return read_sequence(r, node, depth + 1);
    case YAML_MAPPING_NODE: return read_mapping(r, node, depth + 1);
    case YAML_NO_NODE: break;
    }
    return NULL;
}

json_t *yaml_parse(struct view text, const char *what, struct err *e)
{
    yaml_parser_t parser;
    yaml_document_t document;
    json_t *value = NULL;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len > 0 ? text.ptr : ""), text.len);
    if (!yaml_parser_load(&parser, &document)) {
        err_set(e, ERR_INVALID, what, "%s is not YAML: line %zu: %s", what, parser.problem_mark.line + 1,
                parser.problem != NULL ? parser.problem : "unreadable");
        yaml_parser_delete(&parser);
        return NULL;
    }
    struct reader r = {.document = &document};
    if (yaml_document_get_root_node(&document) == NULL)
        value = json_null();
    else
        value = read_node(&r, 1, 0);
    if (value == NULL)
        err_set(e, ERR_INVALID, what,
                "%s cannot be converted to JSON: keys must be strings, and nesting at most %d levels deep",
                what, DEPTH_MAX);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return value;
}
