/*
 * Which of the seeded bugs of table.py this process has: the number in the variable
 * CLOISTER_MUTANT, 0 or nothing for none.
 */
#ifndef TESTS_MUTANTS_MUTANT_H
#define TESTS_MUTANTS_MUTANT_H

#include <stdbool.h> /* for what is seeded */

/* Set before main() runs, never changed after. */
extern int mutant_chosen;
#define MUTANT_IS(number) (mutant_chosen == (number))

#endif
