#include "shell/notify/notify_config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "data/js.h"
#include "net/url.h"
#include "os/file.h"

#include "base/banned.h"

enum { FILE_MAX = 1024 * 1024, NAMES_MAX = 256 };

#define DEFAULT_SOURCE "/apis/cloister.dev/v1alpha1"

/* Loopback, link-local (with the metadata server, whose IPv6 address is fd20:ce::254), unspecified, multicast
 * and broadcast addresses are never those of a target. */
static const char LOOPBACK[] = "127.0.0.0/8,::1/128";
static const char NEVER[] = "0.0.0.0/8,169.254.0.0/16,224.0.0.0/4,255.255.255.255/32,"
                            "::/128,fe80::/10,ff00::/8,fd20:ce::254/128";
/* What clusters usually use for nodes, pods and Services; refused when the file has no clusterRanges. */
static const char PRIVATE[] = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,240.0.0.0/4,fc00::/7";

/* ---- fields ---- */
struct field_spec {
    const char *name;
    json_type type;
};

/* The fields of each object; the list ends with a row without a name. */
static const struct field_spec file_fields[] = {
    {"source", JSON_STRING}, {"clusterRanges", JSON_ARRAY}, {"targets", JSON_OBJECT}, {NULL, JSON_NULL}};
static const struct field_spec target_fields[] = {
    {"webhook", JSON_OBJECT}, {"pubsub", JSON_OBJECT}, {NULL, JSON_NULL}};
static const struct field_spec webhook_fields[] = {
    {"url", JSON_STRING}, {"caBundle", JSON_STRING}, {"authorizationFile", JSON_STRING}, {NULL, JSON_NULL}};
static const struct field_spec pubsub_fields[] = {{"topic", JSON_STRING}, {NULL, JSON_NULL}};

static const char *type_name(json_type type)
{
    return type == JSON_OBJECT ? "object" : type == JSON_ARRAY ? "array" : "string";
}

static int reject_field(const char *where, const char *key, const struct field_spec *known, struct err *e)
{
    struct strbuf names = STRBUF(NAMES_MAX);
    for (; known->name != NULL; known++)
        strbuf_addf(&names, " %s", known->name);
    char *text CLEANUP(cleanup_free) = strbuf_take(&names);
    return FAIL(e, ERR_INVALID, "unknown field %s in %s; the fields are%s", key, where, text);
}

static int check_fields(const json_t *object, const char *where, const struct field_spec *known,
                        struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return FAIL(e, ERR_INVALID, "%s must be a JSON object", where);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const struct field_spec *m = known;
        while (m->name != NULL && strcmp(m->name, key) != 0)
            m++;
        if (m->name == NULL)
            return reject_field(where, key, known, e);
        if (json_typeof(value) != m->type)
            return FAIL(e, ERR_INVALID, "%s in %s must be a JSON %s", key, where, type_name(m->type));
    }
    return 0;
}

static int check_webhook(const json_t *o, const char *where, struct notify_target *ret, struct err *e)
{
    struct url url;
    if (check_fields(o, where, webhook_fields, e) < 0)
        return -1;
    ret->url = js_text(o, "url");
    ret->ca_bundle = js_text(o, "caBundle");
    ret->authorization_file = js_text(o, "authorizationFile");
    if (url_parse(ret->url, &url, NULL) < 0 || !view_equal_text(url.scheme, "https"))
        return FAIL(e, ERR_INVALID, "%s.url must be an https:// URL", where);
    return 0;
}

static int check_topic(const json_t *o, const char *where, struct notify_target *ret, struct err *e)
{
    struct view rest, project, topic;
    if (check_fields(o, where, pubsub_fields, e) < 0)
        return -1;
    ret->topic = js_text(o, "topic");
    bool is_prefixed = view_equal_text(view_cut(view_from(ret->topic), '/', &rest), "projects");
    project = view_cut(rest, '/', &rest);
    is_prefixed = view_equal_text(view_cut(rest, '/', &topic), "topics") && is_prefixed;
    if (!is_prefixed || project.len == 0 || topic.len == 0 || memchr(topic.ptr, '/', topic.len) != NULL ||
        strpbrk(ret->topic, "?#% ") != NULL)
        return FAIL(e, ERR_INVALID, "%s.topic must have the form projects/PROJECT/topics/TOPIC, not '%s'",
                    where, ret->topic);
    return 0;
}

static int read_target(const char *name, const json_t *o, struct notify_target *ret, struct err *e)
{
    char *where CLEANUP(cleanup_free) = xasprintf("targets.%s", name);
    const json_t *webhook = js_at(o, "webhook"), *pubsub = js_at(o, "pubsub");
    *ret = (struct notify_target){.name = name, .ca_bundle = "", .authorization_file = ""};
    if (check_fields(o, where, target_fields, e) < 0)
        return -1;
    if ((webhook == NULL) == (pubsub == NULL))
        return FAIL(e, ERR_INVALID, "%s must have either webhook or pubsub, not both", where);
    char *inner CLEANUP(cleanup_free) = xasprintf("%s.%s", where, webhook != NULL ? "webhook" : "pubsub");
    return webhook != NULL ? check_webhook(webhook, inner, ret, e) : check_topic(pubsub, inner, ret, e);
}

static int read_targets(struct notify_config *c, struct err *e)
{
    json_t *targets = json_object_get(c->tree, "targets"), *value;
    const char *name;
    if (targets == NULL)
        return 0;
    c->targets = xcalloc(json_object_size(targets) + 1, sizeof(*c->targets));
    c->names = xcalloc(json_object_size(targets) + 1, sizeof(*c->names));
    json_object_foreach(targets, name, value)
    {
        if (read_target(name, value, &c->targets[c->count], e) < 0)
            return -1;
        c->names[c->count++] = name;
    }
    return 0;
}

static int read_ranges(struct notify_config *c, bool allows_loopback, struct err *e)
{
    const json_t *ranges = js_at(c->tree, "clusterRanges");
    if (ranges_add_list(&c->refused, NEVER, e) < 0 ||
        (!allows_loopback && ranges_add_list(&c->refused, LOOPBACK, e) < 0))
        return -1;
    if (ranges == NULL)
        return ranges_add_list(&c->refused, PRIVATE, e);
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        const char *text = json_string_value(json_array_get(ranges, i));
        if (ranges_add(&c->refused, text != NULL ? text : "", e) < 0)
            return err_wrap(e, "clusterRanges");
    }
    return 0;
}

static int parse(struct notify_config *c, const char *path, bool allows_loopback, struct err *e)
{
    size_t length = 0;
    char *text CLEANUP(cleanup_free) = file_read(path, FILE_MAX, &length, e);
    if (text == NULL)
        return -1;
    c->tree = js_parse(view_of(text, length), path, e);
    if (c->tree == NULL || check_fields(c->tree, "the file", file_fields, e) < 0)
        return -1;
    const char *source = js_text(c->tree, "source");
    if (*source != '\0')
        c->source = source;
    return read_targets(c, e) < 0 || read_ranges(c, allows_loopback, e) < 0 ? -1 : 0;
}

int notify_config_read(struct notify_config *c, const char *path, bool allows_loopback, struct err *e)
{
    *c = (struct notify_config){.source = DEFAULT_SOURCE};
    if (path == NULL || *path == '\0')
        return 0;
    if (parse(c, path, allows_loopback, e) < 0) {
        notify_config_fini(c);
        return err_wrap(e, "%s", path);
    }
    return 0;
}

void notify_config_fini(struct notify_config *c)
{
    ranges_fini(&c->refused);
    free(c->targets);
    free(c->names);
    json_decref(c->tree);
    *c = (struct notify_config){0};
}
