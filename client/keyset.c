#include "command.h"
#include "job_key.h"
#include "os/options.h"

#include "base/banned.h"

int command_keyset(int argc, char **argv, struct err *e)
{
    const char *kms_key = NULL, *name = "data";
    bool help = false;
    const struct option_row rows[] = {
        {"kms-key", '\0', OPTION_TEXT, &kms_key, "KEY",
         "Cloud KMS key that wraps the keyset: projects/…/cryptoKeys/K"},
        {"name", '\0', OPTION_TEXT, &name, "NAME", "what the job calls the key (default: data)"},
        {"help", 'h', OPTION_FLAG, &help, NULL, "show this help"},
    };
    struct cloud c;
    struct job_key k = {.name = NULL};
    int words;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &words, e) < 0)
        return -1;
    if (help) {
        puts("Makes a new Tink keyset, wraps it by Cloud KMS and prints the keys: of a TrainingJob.\n\n"
             "  kubectl cloister keyset --kms-key KEY [--name NAME]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (words > 0)
        return FAIL(e, ERR_INVALID, "keyset takes no argument: %s", argv[0]);
    if (kms_key == NULL)
        return FAIL(e, ERR_INVALID, "say which Cloud KMS key is to wrap the keyset: --kms-key");
    if (job_key_check_kms_name(kms_key, e) < 0 || job_key_check_name(name, e) < 0 || cloud_open(&c, e) < 0)
        return -1;
    int result = job_key_make(&c, name, kms_key, &k, e);
    if (result == 0)
        job_key_print(&k, stdout);
    job_key_fini(&k);
    cloud_close(&c);
    return result;
}
