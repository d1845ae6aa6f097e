#include "command.h"

#include "job_key.h"
#include "os/options.h"

#include "base/banned.h"

struct arguments {
    const char *kms_key, *name;
    bool help;
};

static int parse(int argc, char **argv, struct arguments *ret, struct err *e)
{
    const struct option_row rows[] = {
        {"kms-key", '\0', OPTION_TEXT, &ret->kms_key, "KEY",
         "Cloud KMS key that wraps the keyset: projects/…/cryptoKeys/K"},
        {"name", '\0', OPTION_TEXT, &ret->name, "NAME", "what the job calls the key (default: data)"},
        {"help", 'h', OPTION_FLAG, &ret->help, NULL, "show this help"},
    };
    int words;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &words, e) < 0)
        return -1;
    if (ret->help) {
        puts("Makes a new Tink keyset, wraps it by Cloud KMS and prints the keys: of a TrainingJob.\n\n"
             "  kubectl cloister keyset --kms-key KEY [--name NAME]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (words > 0)
        return FAIL(e, ERR_INVALID, "keyset takes no argument: %s", argv[0]);
    if (ret->kms_key == NULL)
        return FAIL(e, ERR_INVALID, "say which Cloud KMS key is to wrap the keyset: --kms-key");
    return job_key_check_kms_name(ret->kms_key, e) < 0 ? -1 : job_key_check_name(ret->name, e);
}

int command_keyset(int argc, char **argv, struct err *e)
{
    struct arguments a = {.name = "data"};
    struct cloud c;
    struct job_key k = {.name = NULL};
    if (parse(argc, argv, &a, e) < 0)
        return COMMAND_MISUSED;
    if (a.help)
        return 0;
    if (cloud_open(&c, e) < 0)
        return -1;
    int result = job_key_make(&c, a.name, a.kms_key, &k, e);
    if (result == 0)
        job_key_print(&k, stdout);
    job_key_fini(&k);
    cloud_close(&c);
    return result;
}
