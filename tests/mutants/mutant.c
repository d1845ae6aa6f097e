#include "mutant.h"

#include <stdlib.h>

#include "base/banned.h"

int mutant_chosen;

__attribute__((constructor)) static void choose(void)
{
    const char *number = getenv("CLOISTER_MUTANT");
    mutant_chosen = number != NULL ? (int)strtol(number, NULL, 10) : 0;
}
