/*
 * Runs a target once for each file in the given directories, without libFuzzer: for the
 * other compiler, the sanitizers' rung and the coverage.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "os/file.h"

#include "base/banned.h"

enum { INPUT_MAX = 1024 * 1024 };

/* The target gets a block of exactly the input's length, so that a read beyond it is noticed. */
static void replay(const char *path)
{
    struct err e CLEANUP(err_fini) = {0};
    size_t length = 0;
    char *bytes CLEANUP(cleanup_free) = file_read(path, INPUT_MAX, &length, &e);
    if (bytes == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fprintf(stderr, "%s\n", path); /* the last one is the one that failed */
    uint8_t *exact CLEANUP(cleanup_free) = xmalloc(length);
    if (length > 0)
        memcpy(exact, bytes, length);
    (void)LLVMFuzzerTestOneInput(exact, length);
}

static int replay_directory(const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort), replayed = 0;
    for (int i = 0; i < count; i++) {
        char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            replay(path);
            replayed++;
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        replayed += replay_directory(argv[i]);
    printf("%d inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
