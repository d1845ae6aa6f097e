#include "commands_int.h"

#include "key_entry.h"
#include "os/options.h"

#include "base/banned.h"

struct keyset_options {
    const char *kms_key, *name;
    bool help;
};

static int parse(int argc, char **argv, struct keyset_options *ret, struct err *e)
{
    const struct option_row rows[] = {
        {"kms-key", '\0', OPTION_TEXT, &ret->kms_key, "KEY",
         "Cloud KMS key to wrap the keyset with: projects/…/cryptoKeys/K"},
        {"name", '\0', OPTION_TEXT, &ret->name, "NAME", "name of the key in the TrainingJob (default: data)"},
        {"help", 'h', OPTION_FLAG, &ret->help, NULL, "show this help"},
    };
    int operands;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &operands, e) < 0)
        return -1;
    if (ret->help) {
        puts("Creates a Tink keyset, wraps it with Cloud KMS and prints the keys: section for a "
             "TrainingJob.\n\n"
             "  kubectl cloister keyset --kms-key KEY [--name NAME]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (operands > 0)
        return FAIL(e, ERR_INVALID, "keyset takes no arguments, not even %s", argv[0]);
    if (ret->kms_key == NULL)
        return FAIL(e, ERR_INVALID, "--kms-key is required: name the Cloud KMS key to wrap the keyset with");
    return key_entry_check_kms_name(ret->kms_key, e) < 0 ? -1 : key_entry_check_name(ret->name, e);
}

int command_keyset(int argc, char **argv, struct err *e)
{
    struct keyset_options a = {.name = "data"};
    struct cloud c;
    struct key_entry k = {.name = NULL};
    if (parse(argc, argv, &a, e) < 0)
        return COMMAND_MISUSED;
    if (a.help)
        return 0;
    if (cloud_open(&c, e) < 0)
        return -1;
    int result = key_entry_make(&c, a.name, a.kms_key, &k, e);
    if (result == 0)
        key_entry_print(&k, stdout);
    key_entry_fini(&k);
    cloud_close(&c);
    return result;
}
