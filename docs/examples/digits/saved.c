#include "saved.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char FORMAT[] = "digits model, epoch %d, %d floats\n";

int saved_write(const char *directory, const char *name, const struct network *n, int epoch)
{
    char temporary[4096], path[4096];
    if (snprintf(temporary, sizeof(temporary), "%s/.%s.tmp", directory, name) >= (int)sizeof(temporary) ||
        snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return -1;
    FILE *file = fopen(temporary, "w");
    if (file == NULL) {
        perror(temporary);
        return -1;
    }
    int ok = fprintf(file, FORMAT, epoch, (int)(sizeof(*n) / sizeof(float))) > 0;
    ok = ok && fwrite(n, sizeof(*n), 1, file) == 1;
    ok = fclose(file) == 0 && ok;
    if (!ok || rename(temporary, path) < 0) {
        perror(path);
        unlink(temporary);
        return -1;
    }
    return 0;
}

int saved_read(const char *path, struct network *n, int *ret_epoch)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    char line[128];
    int floats = 0;
    int ok = fgets(line, sizeof(line), file) != NULL && sscanf(line, FORMAT, ret_epoch, &floats) == 2 &&
             floats == (int)(sizeof(*n) / sizeof(float)) && fread(n, sizeof(*n), 1, file) == 1;
    fclose(file);
    if (!ok)
        fprintf(stderr, "digits: %s is no model of this program\n", path);
    return ok ? 0 : -1;
}

/* "epoch-12" -> 12; -1 without a number. */
static int number_in(const char *name)
{
    int number;
    return sscanf(name + strcspn(name, "0123456789"), "%d", &number) == 1 ? number : -1;
}

int saved_find(const char *directory, char *ret_path, unsigned long size)
{
    DIR *entries = opendir(directory);
    int newest = -1, result = -1;
    if (entries == NULL)
        return -1;
    for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        int number = number_in(e->d_name);
        if (number <= newest || snprintf(ret_path, size, "%s/%s", directory, e->d_name) >= (int)size)
            continue;
        newest = number;
        result = 0;
    }
    closedir(entries);
    return result;
}
