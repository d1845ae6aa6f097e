/*
 * kubeconfigs, and with them YAML: what is accepted has a server and at most one source of tokens, merging a
 * file with itself changes nothing, and JSON is read as the same by both readers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "data/yaml.h"
#include "fuzz.h"
#include "kube/kube_config_int.h"

#include "base/banned.h"

static char folder[] = "/folder";

struct outcome {
    struct kube_config *config;
    struct kubeconfig_references references;
    int result;
    enum err_code code;
};

static void decode(json_t *tree, size_t copies, struct outcome *ret)
{
    struct err e = {0};
    struct kubeconfig_files f = {.count = copies};
    for (size_t i = 0; i < copies; i++)
        f.file[i] = (struct kubeconfig_file){tree, folder};
    *ret = (struct outcome){.config = xcalloc(1, sizeof(struct kube_config))};
    ret->result = kubeconfig_decode(ret->config, &f, NULL, &ret->references, &e);
    ret->code = e.code;
    if (ret->result < 0) {
        CHECK(e.code == ERR_INVALID || e.code == ERR_NOT_FOUND || e.code == ERR_TOO_LARGE);
        fuzz_check_error(&e);
    }
}

static void outcome_fini(struct outcome *o)
{
    kube_config_free(o->config);
    free(o->references.certificate);
    free(o->references.key);
}

static void check_config(const struct kube_config *c, const struct kubeconfig_references *r)
{
    CHECK(c->server != NULL && c->default_namespace != NULL);
    CHECK(*c->server == '\0' || c->server[strlen(c->server) - 1] != '/');
    CHECK(c->ca_pem == NULL || c->ca_file == NULL);
    CHECK(c->client_cert_pem == NULL || r->certificate == NULL);
    CHECK(c->client_key.len == 0 || r->key == NULL);
    CHECK(c->ca_file == NULL || c->ca_file[0] == '/');
    CHECK(r->certificate == NULL || r->certificate[0] == '/');
    CHECK(c->client_key.len <= KUBECONFIG_KEY_MAX && c->token.len <= KUBECONFIG_KEY_MAX);
    CHECK((c->source == KUBE_TOKEN_FILE) == (c->token_file != NULL));
    CHECK((c->source == KUBE_TOKEN_PLUGIN) == (c->plugin != NULL));
    CHECK(c->source != KUBE_TOKEN_FIXED || c->token.len > 0);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void read_config(json_t *tree)
{
    struct outcome once, twice;
    decode(tree, 1, &once);
    decode(tree, 2, &twice);
    CHECK(once.result == twice.result && once.code == twice.code);
    if (once.result == 0) {
        check_config(once.config, &once.references);
        CHECK(is_same_text(once.config->server, twice.config->server));
        CHECK(is_same_text(once.config->ca_pem, twice.config->ca_pem));
        CHECK(once.config->source == twice.config->source);
    }
    outcome_fini(&once);
    outcome_fini(&twice);
}

/* JSON is YAML. Escapes and fractions are not compared: the two write some of them in different ways. */
static void compare_with_json(struct view text)
{
    struct err e = {0};
    json_t *json CLEANUP(js_free) = js_parse(text, "the input", &e);
    err_fini(&e);
    if (json == NULL || memchr(text.ptr, '\\', text.len) != NULL || memchr(text.ptr, '.', text.len) != NULL ||
        memchr(text.ptr, 'e', text.len) != NULL || memchr(text.ptr, 'E', text.len) != NULL)
        return;
    char *compact CLEANUP(cleanup_free) = json_dumps(json, JSON_INDENT(1));
    json_t *yaml CLEANUP(js_free) = yaml_parse(view_from(compact), "the input", &e);
    err_fini(&e);
    CHECK(yaml == NULL || json_equal(yaml, json));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    json_t *tree CLEANUP(js_free) = yaml_parse(view_of(bytes, length), "the kubeconfig", &e);
    if (tree == NULL) {
        CHECK(e.code == ERR_INVALID);
        fuzz_check_error(&e);
    } else {
        read_config(tree);
    }
    if (length > 0)
        compare_with_json(view_of(bytes, length));
    return 0;
}
