#include "dataset.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct dataset *d, const struct sample *s)
{
    if ((d->count & (d->count - 1)) == 0) {
        size_t room = d->count == 0 ? 1 : d->count * 2;
        struct sample *grown = realloc(d->samples, room * sizeof(*grown));
        if (grown == NULL)
            abort();
        d->samples = grown;
    }
    d->samples[d->count++] = *s;
}

/* One row: 64 pixels of 0 to 16 and the digit. */
static int parse_row(const char *line, struct sample *ret)
{
    for (int i = 0; i <= PIXELS; i++) {
        char *end = NULL;
        long value = strtol(line, &end, 10);
        long limit = i < PIXELS ? 16 : CLASSES - 1;
        if (end == line || value < 0 || value > limit || (i < PIXELS && *end != ','))
            return -1;
        if (i < PIXELS)
            ret->pixels[i] = (float)value / 16.0f;
        else
            ret->label = (int)value;
        line = end + 1;
    }
    return 0;
}

static int load_file(struct dataset *d, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    char line[1024];
    int number = 0, result = 0;
    while (result == 0 && fgets(line, sizeof(line), file) != NULL) {
        struct sample s = {.label = 0};
        number++;
        result = parse_row(line, &s);
        if (result == 0)
            append(d, &s);
        else
            fprintf(stderr, "digits: %s:%d: expected 64 pixels of 0 to 16 and a digit\n", path, number);
    }
    fclose(file);
    return result;
}

static int is_csv(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".csv") == 0;
}

int dataset_load(struct dataset *d, const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_csv, alphasort), result = 0;
    *d = (struct dataset){.samples = NULL, .count = 0};
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        if (result == 0)
            result = length < (int)sizeof(path) ? load_file(d, path) : -1;
        free(entries[i]);
    }
    free(entries);
    if (result == 0 && d->count == 0) {
        fprintf(stderr, "digits: no rows in *.csv files of %s\n", directory);
        return -1;
    }
    return result;
}

void dataset_shard(const struct dataset *all, struct dataset *ret, size_t rank, size_t world)
{
    size_t training_row = 0;
    *ret = (struct dataset){.samples = NULL, .count = 0};
    for (size_t i = 0; i < all->count; i++) {
        if (i % HELD_OUT_EVERY == 0)
            continue;
        if (training_row++ % world == rank)
            append(ret, &all->samples[i]);
    }
}

void dataset_held_out(const struct dataset *all, struct dataset *ret)
{
    *ret = (struct dataset){.samples = NULL, .count = 0};
    for (size_t i = 0; i < all->count; i += HELD_OUT_EVERY)
        append(ret, &all->samples[i]);
}

void dataset_free(struct dataset *d)
{
    free(d->samples);
    *d = (struct dataset){.samples = NULL, .count = 0};
}
