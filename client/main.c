/* kubectl-cloister: the command line for owners of data and for data scientists, run on their own machines.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "remedy.h"
#include "base/alloc.h"
#include "base/secret.h"
#include "commands_int.h"
#include "data/js.h"
#include "net/http.h"

#include "base/banned.h"

enum { EXIT_USAGE = 2 };

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, struct err *e);
    const char *help;
} COMMANDS[] = {
    {"keyset", command_keyset, "create a keyset wrapped by Cloud KMS"},
    {"encrypt", command_encrypt, "encrypt files into a bucket as inputs of a job"},
    {"fetch", command_fetch, "download and decrypt a job's output"},
};

static void print_help(FILE *out)
{
    fputs("kubectl cloister manages the keys, data and models of TrainingJobs.\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        fprintf(out, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    fputs("  version    print the version\n\n"
          "Use \"kubectl cloister COMMAND --help\" for more information about a command.\n"
          "Google credentials are looked up where gcloud keeps application default credentials.\n",
          out);
}

static int run(int argc, char **argv, struct err *e)
{
    umask(0077);
    signal(SIGPIPE, SIG_IGN); /* finish() reports the failed write */
    js_wipe_on_free();
    if (secret_wipe_openssl(e) < 0 || secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 2, argv + 2, e);
    (void)FAIL(e, ERR_INVALID, "unknown command %s; run 'kubectl cloister --help' for a list", argv[1]);
    return COMMAND_MISUSED;
}

static int finish(int result, struct err *e)
{
    if (result == 0 && fflush(stdout) != 0)
        result = FAIL_ERRNO(e, "writing to standard output");
    if (result == 0)
        return EXIT_SUCCESS;
    char *sentence CLEANUP(cleanup_free) =
        result == COMMAND_MISUSED ? err_text(e) : err_sentence(e, remedy_of(e->code));
    fprintf(stderr, "error: %s\n", sentence);
    return result == COMMAND_MISUSED ? EXIT_USAGE : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct err e CLEANUP(err_fini) = {0};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        puts("kubectl-cloister " CLOISTER_VERSION);
        return EXIT_SUCCESS;
    }
    return finish(run(argc, argv, &e), &e);
}
