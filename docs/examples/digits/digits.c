/*
 * Trains a small network on handwritten digits, with as many workers as the job
 * has: the example of a program that runs under Cloister without knowing it. It
 * reads plain files, writes plain files, and finds the others by host name.
 *
 *   digits train [--epochs N] [--rate R] [--min-epoch-seconds S] [--port P]
 *   digits evaluate MODEL DIRECTORY
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataset.h"
#include "exchange.h"
#include "network.h"
#include "saved.h"

enum { BATCH = 32 }; /* samples of one worker between two exchanges */

struct options {
    int epochs;
    double rate;
    double min_epoch_seconds; /* so that there is time to watch, and to interfere */
    const char *port;
};

struct training {
    struct options options;
    struct dataset shard, held_out;
    struct exchange exchange;
    struct network network;
    double loss, accuracy; /* of the last epoch */
};

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

/* Every worker takes as many steps, so that nobody waits for a sum that nobody sends. */
static size_t steps_of_epoch(const struct training *t, size_t training_rows)
{
    size_t largest_shard = (training_rows + t->exchange.world - 1) / t->exchange.world;
    return (largest_shard + BATCH - 1) / BATCH;
}

static double norm(const double *values)
{
    double sum = 0;
    for (int i = 0; i < WEIGHTS; i++)
        sum += values[i] * values[i];
    return sqrt(sum);
}

/* One pass over the data. Prints the length of the epoch's summed gradient and of this worker's own part of
 * it. */
static int train_epoch(struct training *t, int epoch, size_t steps)
{
    static float batch[WEIGHTS + 2]; /* the gradient, its loss and its number of samples */
    static double own[WEIGHTS], all[WEIGHTS];
    double loss = 0, samples = 0;
    memset(own, 0, sizeof(own));
    memset(all, 0, sizeof(all));
    for (size_t step = 0; step < steps; step++) {
        memset(batch, 0, sizeof(batch));
        for (size_t i = step * BATCH; i < (step + 1) * BATCH && i < t->shard.count; i++) {
            batch[WEIGHTS] += (float)network_gradient(&t->network, &t->shard.samples[i], batch);
            batch[WEIGHTS + 1] += 1;
        }
        for (int i = 0; i < WEIGHTS; i++)
            own[i] += (double)batch[i];
        if (exchange_sum(&t->exchange, batch, WEIGHTS + 2) < 0)
            return -1;
        for (int i = 0; i < WEIGHTS; i++)
            all[i] += (double)batch[i];
        loss += (double)batch[WEIGHTS];
        samples += (double)batch[WEIGHTS + 1];
        network_step(&t->network, batch, (double)batch[WEIGHTS + 1], t->options.rate);
    }
    t->loss = loss / samples;
    t->accuracy = network_accuracy(&t->network, &t->held_out);
    printf("epoch %d loss %.4f accuracy %.4f gradient %.9g own %.9g\n", epoch, t->loss, t->accuracy,
           norm(all), norm(own));
    fflush(stdout);
    return 0;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_until(double when)
{
    double left = when - seconds_now();
    if (left > 0)
        nanosleep(&(struct timespec){.tv_sec = (time_t)left, .tv_nsec = (long)((left - floor(left)) * 1e9)},
                  NULL);
}

/* For whoever watches the job: a line in the file that Cloister names. */
static void tell_progress(const struct training *t, int epoch, double seconds_an_epoch)
{
    FILE *file = fopen(environment("CLOISTER_PROGRESS", "/dev/null"), "a");
    if (file == NULL)
        return;
    fprintf(file, "progress=%d remaining=%.0f epoch=%d loss=%.4f accuracy=%.4f\n",
            epoch * 100 / t->options.epochs, seconds_an_epoch * (t->options.epochs - epoch), epoch, t->loss,
            t->accuracy);
    fclose(file);
}

static int resume(struct training *t)
{
    char path[4096];
    int epoch = 0;
    network_init(&t->network);
    if (saved_find(environment("CLOISTER_RESTORE", "/cloister/restore"), path, sizeof(path)) < 0) {
        printf("starting at epoch 1\n");
        return 0;
    }
    if (saved_read(path, &t->network, &epoch) < 0)
        return -1;
    printf("resuming after epoch %d\n", epoch);
    return epoch;
}

static int train_all(struct training *t, size_t training_rows)
{
    const char *checkpoints = environment("CLOISTER_CHECKPOINTS", "/cloister/checkpoints");
    const char *output = environment("CLOISTER_OUTPUT", "/cloister/output");
    int done = resume(t);
    if (done < 0)
        return -1;
    double began = seconds_now();
    for (int epoch = done + 1; epoch <= t->options.epochs; epoch++) {
        double until = seconds_now() + t->options.min_epoch_seconds;
        char name[32];
        if (train_epoch(t, epoch, steps_of_epoch(t, training_rows)) < 0)
            return -1;
        snprintf(name, sizeof(name), "epoch-%d", epoch);
        if (t->exchange.rank == 0 && saved_write(checkpoints, name, &t->network, epoch) < 0)
            return -1;
        wait_until(until);
        if (t->exchange.rank == 0)
            tell_progress(t, epoch, (seconds_now() - began) / (epoch - done));
    }
    if (t->exchange.rank != 0)
        return 0;
    return saved_write(output, "digits.model", &t->network, t->options.epochs);
}

static int train(const struct options *options)
{
    struct training *t = calloc(1, sizeof(*t));
    struct dataset all;
    size_t world = strtoul(environment("CLOISTER_WORLD_SIZE", "1"), NULL, 10);
    size_t rank = strtoul(environment("CLOISTER_RANK", "0"), NULL, 10);
    if (t == NULL || world == 0 || world > MAX_WORKERS || rank >= world) {
        fprintf(stderr, "digits: rank %zu of %zu workers is not possible\n", rank, world);
        return EXIT_FAILURE;
    }
    t->options = *options;
    char directory[4096];
    snprintf(directory, sizeof(directory), "%s/digits", environment("CLOISTER_INPUTS", "/cloister/inputs"));
    if (dataset_load(&all, directory) < 0)
        return EXIT_FAILURE;
    dataset_shard(&all, &t->shard, rank, world);
    dataset_held_out(&all, &t->held_out);
    size_t training_rows = all.count - t->held_out.count;
    printf("worker %zu of %zu: %zu of %zu training images\n", rank, world, t->shard.count, training_rows);
    fflush(stdout);
    int result = exchange_open(&t->exchange, rank, world, environment("CLOISTER_COORDINATOR", "localhost"),
                               options->port);
    if (result == 0)
        result = train_all(t, training_rows);
    exchange_close(&t->exchange);
    dataset_free(&all);
    dataset_free(&t->shard);
    dataset_free(&t->held_out);
    free(t);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int evaluate(const char *model, const char *directory)
{
    static struct network network;
    struct dataset all, held_out;
    int epoch = 0;
    if (saved_read(model, &network, &epoch) < 0 || dataset_load(&all, directory) < 0)
        return EXIT_FAILURE;
    dataset_held_out(&all, &held_out);
    printf("accuracy %.4f on %zu held-out digits, after %d epochs\n", network_accuracy(&network, &held_out),
           held_out.count, epoch);
    dataset_free(&all);
    dataset_free(&held_out);
    return EXIT_SUCCESS;
}

static int usage(void)
{
    fprintf(stderr, "usage: digits train [--epochs N] [--rate R] [--min-epoch-seconds S] [--port P]\n"
                    "       digits evaluate MODEL DIRECTORY\n");
    return 2;
}

static int parse_options(int argc, char **argv, struct options *o)
{
    for (int i = 2; i < argc; i += 2) {
        char *end = NULL;
        if (i + 1 >= argc)
            return -1;
        if (strcmp(argv[i], "--epochs") == 0)
            o->epochs = (int)strtol(argv[i + 1], &end, 10);
        else if (strcmp(argv[i], "--rate") == 0)
            o->rate = strtod(argv[i + 1], &end);
        else if (strcmp(argv[i], "--min-epoch-seconds") == 0)
            o->min_epoch_seconds = strtod(argv[i + 1], &end);
        else if (strcmp(argv[i], "--port") == 0)
            o->port = argv[i + 1];
        else
            return -1;
        if (end != NULL && (*end != '\0' || end == argv[i + 1]))
            return -1;
    }
    return o->epochs > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options options = {.epochs = 20, .rate = 0.05, .min_epoch_seconds = 0, .port = "29500"};
    if (argc == 4 && strcmp(argv[1], "evaluate") == 0)
        return evaluate(argv[2], argv[3]);
    if (argc >= 2 && strcmp(argv[1], "train") == 0 && parse_options(argc, argv, &options) == 0)
        return train(&options);
    return usage();
}
