/* kubectl-cloister: what an owner of data and a data scientist do on their own machine. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "advice.h"
#include "base/alloc.h"
#include "base/secret.h"
#include "command.h"
#include "data/js.h"
#include "net/http.h"

#include "base/banned.h"

enum { EXIT_USAGE = 2 };

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, struct err *e);
    const char *help;
} COMMANDS[] = {
    {"keyset", command_keyset, "make a keyset wrapped by Cloud KMS"},
    {"encrypt", command_encrypt, "encrypt files into a bucket, for a job's inputs"},
    {"fetch", command_fetch, "download and decrypt a job's output"},
};

static void print_help(FILE *out)
{
    fputs("kubectl cloister: keys, data and models of Cloister's TrainingJobs\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        fprintf(out, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    fputs("  version    print the version\n\n"
          "`kubectl cloister COMMAND --help` says more. Google credentials are found as gcloud finds them.\n",
          out);
}

static int run(int argc, char **argv, struct err *e)
{
    umask(0077);
    signal(SIGPIPE, SIG_IGN); /* what cannot be printed is an error with words */
    js_wipe_on_free();
    if (secret_wipe_openssl(e) < 0 || secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 2, argv + 2, e);
    (void)FAIL(e, ERR_INVALID, "unknown command %s; kubectl cloister --help lists them", argv[1]);
    return COMMAND_MISUSED;
}

static int finish(int result, struct err *e)
{
    if (result == 0 && fflush(stdout) != 0)
        result = FAIL_ERRNO(e, "writing to standard output");
    if (result == 0)
        return EXIT_SUCCESS;
    char *sentence CLEANUP(cleanup_free) = result == COMMAND_MISUSED ? err_text(e) : advice_sentence(e);
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
