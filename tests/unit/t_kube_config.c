#include "kube/kube_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/file.h"

#include "base/banned.h"

static char directory[] = "/tmp/t_kube_config.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text, unsigned mode)
{
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(file_replace(path_of(name), view_from(text), mode, &e), 0);
}

/* One cluster and one context; the rest of the user is given. */
static struct kube_config *load(const char *user)
{
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) =
        xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                  "clusters:\n- name: k\n  cluster: {server: 'https://10.0.0.1:6443/', tls-server-name: api, "
                  "certificate-authority-data: Q0E=}\n"
                  "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: ml}\n"
                  "users:\n- name: u\n  user: %s\n",
                  user);
    write_file("config", text, 0600);
    struct kube_config *c = kube_config_new(path_of("config"), NULL, &e);
    assert_non_null(c);
    return c;
}

static void expect_bearer(struct kube_config *c, const char *token)
{
    struct err e CLEANUP(err_fini) = {0};
    const struct secret *bearer = NULL;
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_non_null(bearer);
    assert_int_equal(bearer->len, strlen(token));
    assert_memory_equal(bearer->bytes, token, bearer->len);
}

static void reads_cluster_context_and_certificates(void **state)
{
    (void)state;
    const struct secret *bearer = NULL;
    struct err e CLEANUP(err_fini) = {0};
    write_file("cert.pem", "CERT", 0600);
    struct kube_config *c CLEANUP(cleanup_kube_config) =
        load("{client-certificate: cert.pem, client-key-data: S0VZ}");
    assert_string_equal(c->server, "https://10.0.0.1:6443");
    assert_string_equal(c->default_namespace, "ml");
    assert_string_equal(c->tls.ca_pem, "CA");
    assert_string_equal(c->tls.server_name, "api");
    assert_string_equal(c->tls.client_cert_pem, "CERT");
    assert_memory_equal(c->tls.client_key->bytes, "KEY", 3);
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_null(bearer);
}

static void reads_tokens_and_token_files(void **state)
{
    (void)state;
    struct kube_config *fixed CLEANUP(cleanup_kube_config) = load("{token: abc}");
    expect_bearer(fixed, "abc");
    write_file("token", "from file\n", 0600);
    struct kube_config *file CLEANUP(cleanup_kube_config) = load("{token: abc, tokenFile: token}");
    expect_bearer(file, "from file");
    /* Rotated: read again when it is due; the last good one serves when it cannot be read. */
    write_file("token", "rotated", 0600);
    expect_bearer(file, "from file");
    file->token_until_ms = 0;
    expect_bearer(file, "rotated");
    unlink(path_of("token"));
    file->token_until_ms = 0;
    expect_bearer(file, "rotated");
}

static struct kube_config *load_with_authority(const char *pem)
{
    struct err e CLEANUP(err_fini) = {0};
    write_file("ca.pem", pem, 0600);
    write_file("config",
               "current-context: c\nclusters:\n- name: k\n  cluster: {server: 'https://k', "
               "certificate-authority: ca.pem}\ncontexts:\n- name: c\n  context: {cluster: k}\n",
               0600);
    struct kube_config *c = kube_config_new(path_of("config"), NULL, &e);
    assert_non_null(c);
    return c;
}

static void follows_an_authority_that_is_exchanged(void **state)
{
    (void)state;
    static const char one[] = "-----BEGIN CERTIFICATE----- 1", other[] = "-----BEGIN CERTIFICATE----- 2";
    const struct secret *bearer;
    struct err e CLEANUP(err_fini) = {0};
    struct kube_config *c CLEANUP(cleanup_kube_config) = load_with_authority(one);
    write_file("ca.pem", other, 0600);
    assert_string_equal(c->tls.ca_pem, one);
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_string_equal(c->tls.ca_pem, other);
    /* Once a minute; and what cannot be read or is none changes nothing. */
    write_file("ca.pem", one, 0600);
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_string_equal(c->tls.ca_pem, other);
    c->ca_until_ms = 0;
    write_file("ca.pem", "", 0600);
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_string_equal(c->tls.ca_pem, other);
    c->ca_until_ms = 0;
    assert_int_equal(unlink(path_of("ca.pem")), 0);
    assert_int_equal(kube_config_bearer(c, &bearer, &e), 0);
    assert_string_equal(c->tls.ca_pem, other);
}

/* kubectl, too, takes what says nothing for absent, and reads wrapped base64. */
static void reads_what_kubectl_reads(void **state)
{
    (void)state;
    struct kube_config *c CLEANUP(cleanup_kube_config) =
        load("{token: t, username: '', password: null, auth-provider: {}, as-groups: [], exec: null, "
             "client-certificate-data: \"Q0\\nVS\\r\\nVA==\\n\", client-key-data: S0VZ}");
    assert_string_equal(c->tls.client_cert_pem, "CERT");
    expect_bearer(c, "t");
    /* A number that no JSON can hold is a text. */
    struct kube_config *other CLEANUP(cleanup_kube_config) = load("{token: 1e999}");
    expect_bearer(other, "1e999");
}

/* Left out, they would make us somebody else, or send the requests another way. */
static void refuses_what_it_would_not_heed(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"", "u", ", as: admin", "as,"},
        {"", "u", ", as-groups: [admins]", "as-groups"},
        {"", "u", ", username: a, password: b", "username"},
        {"", "u", ", auth-provider: {name: gcp}", "auth-provider"},
        {", proxy-url: 'http://p'", "u", "", "HTTPS_PROXY"},
        {"", "other", "", "no user \"other\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e CLEANUP(err_fini) = {0};
        char *text CLEANUP(cleanup_free) =
            xasprintf("current-context: c\nclusters:\n- name: k\n  cluster: {server: 'https://k'%s}\n"
                      "contexts:\n- name: c\n  context: {cluster: k, user: %s}\n"
                      "users:\n- name: u\n  user: {token: t%s}\n",
                      cases[i][0], cases[i][1], cases[i][2]);
        write_file("config", text, 0600);
        assert_null(kube_config_new(path_of("config"), NULL, &e));
        char *words CLEANUP(cleanup_free) = err_text(&e);
        assert_non_null(strstr(words, cases[i][3]));
    }
}

static void refuses_secrets_that_locked_memory_cannot_hold(void **state)
{
    (void)state;
    static const char *const names[] = {"token", "client-key-data"};
    static char many[64 * 1024 + 1];
    memset(many, 'A', sizeof(many) - 1);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err e CLEANUP(err_fini) = {0};
        char *text CLEANUP(cleanup_free) =
            xasprintf("current-context: c\nclusters:\n- name: k\n  cluster: {server: 'https://k'}\n"
                      "contexts:\n- name: c\n  context: {cluster: k, user: u}\nusers:\n- name: u\n"
                      "  user: {%s: %s}\n",
                      names[i], many);
        write_file("config", text, 0600);
        assert_null(kube_config_new(path_of("config"), NULL, &e));
        assert_int_equal(e.code, ERR_TOO_LARGE);
    }
}

static void runs_credential_plugins(void **state)
{
    (void)state;
    write_file(
        "plugin",
        "#!/bin/sh\n"
        "case $KUBERNETES_EXEC_INFO in *'\"server\"'*) ;; *) exit 3;; esac\n"
        "echo "
        "\"{\\\"apiVersion\\\":\\\"client.authentication.k8s.io/$1\\\",\\\"kind\\\":\\\"ExecCredential\\\","
        "\\\"status\\\":{\\\"token\\\":\\\"$WORD\\\"}}\"\n",
        0700);
    const char *const versions[] = {"v1", "v1beta1"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char *user CLEANUP(cleanup_free) =
            xasprintf("{exec: {apiVersion: client.authentication.k8s.io/%s, command: ./plugin, args: [%s], "
                      "provideClusterInfo: true, env: [{name: WORD, value: secret}]}}",
                      versions[i], versions[i]);
        struct kube_config *c CLEANUP(cleanup_kube_config) = load(user);
        expect_bearer(c, "secret");
    }
}

static void tells_what_a_plugin_did_wrong(void **state)
{
    (void)state;
    struct err e CLEANUP(err_fini) = {0};
    const struct secret *bearer = NULL;
    struct kube_config *c CLEANUP(cleanup_kube_config) =
        load("{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}}");
    assert_int_equal(kube_config_bearer(c, &bearer, &e), -1);
    char *text CLEANUP(cleanup_free) = err_text(&e);
    assert_non_null(strstr(text, "/bin/false exited with code 1"));
}

static void takes_the_first_file_that_names_a_thing(void **state)
{
    (void)state;
    struct err e CLEANUP(err_fini) = {0};
    write_file("one", "clusters: [{name: k, cluster: {server: 'https://one'}}]\n", 0600);
    write_file("two",
               "current-context: c\n"
               "clusters: [{name: k, cluster: {server: 'https://two'}}]\n"
               "contexts: [{name: c, context: {cluster: k}}, {name: d, context: {cluster: x}}]\n",
               0600);
    char *list CLEANUP(cleanup_free) = xasprintf("%s/one:%s/missing:%s/two", directory, directory, directory);
    setenv("KUBECONFIG", list, 1);
    struct kube_config *c CLEANUP(cleanup_kube_config) = kube_config_new(NULL, NULL, &e);
    assert_non_null(c);
    assert_string_equal(c->server, "https://one");
    assert_string_equal(c->default_namespace, "default");
    assert_null(kube_config_new(NULL, "d", &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_string_equal(e.object, "x");
    err_fini(&e);
    assert_null(kube_config_new(path_of("missing"), NULL, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    const char *const names[] = {"config", "cert.pem", "token", "plugin", "one", "two"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_cluster_context_and_certificates),
        cmocka_unit_test(reads_tokens_and_token_files),
        cmocka_unit_test(follows_an_authority_that_is_exchanged),
        cmocka_unit_test(reads_what_kubectl_reads),
        cmocka_unit_test(refuses_what_it_would_not_heed),
        cmocka_unit_test(refuses_secrets_that_locked_memory_cannot_hold),
        cmocka_unit_test(runs_credential_plugins),
        cmocka_unit_test(tells_what_a_plugin_did_wrong),
        cmocka_unit_test(takes_the_first_file_that_names_a_thing),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
