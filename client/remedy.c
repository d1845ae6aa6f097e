#include "remedy.h"

#include <stddef.h>

#include "agentapi/failures.h"

#include "base/banned.h"

#define LOGIN                                                                                                \
    "run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS to a credentials "   \
    "file"

static const struct {
    enum err_code code;
    const char *remedy;
} OURS[] = {
    {ERR_METADATA_UNAVAILABLE, LOGIN},
    {ERR_IDENTITY_REFUSED, LOGIN " that is still valid"},
    {ERR_KEY_ACCESS_DENIED, "grant your account roles/cloudkms.cryptoKeyEncrypter (to wrap a new keyset) or "
                            "roles/cloudkms.cryptoKeyDecrypter (to use one) on the key"},
    {ERR_KEY_NOT_FOUND, "correct the name of the Cloud KMS key; 'gcloud kms keys list' shows them"},
    {ERR_DATA_ACCESS_DENIED, "grant your account roles/storage.objectViewer on the bucket"},
    {ERR_OUTPUT_DENIED,
     "check that the bucket exists, and grant your account roles/storage.objectUser on it"},
    {ERR_OUTPUT_CHANGED, "encrypt the file while no other program writes to it"},
    {ERR_DATA_NOT_FOUND, "find out who removed it from the bucket, or run the job again"},
};

const char *remedy_of(enum err_code code)
{
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        if (OURS[i].code == code)
            return OURS[i].remedy;
    return failure_remedy(code);
}
