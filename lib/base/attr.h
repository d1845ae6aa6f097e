/*
 * Compiler attributes under readable names, and the two ownership helpers that every
 * module uses: CLEANUP and TAKE_PTR. Nothing here can fail.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_CHECK               __attribute__((warn_unused_result))
#define NORETURN                 __attribute__((noreturn))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define RETURNS_NONNULL          __attribute__((returns_nonnull))

/* Calls fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of an owning variable, which is NULL afterwards. */
#define TAKE_PTR(ptr)                                                                                        \
    __extension__({                                                                                          \
        __typeof__(ptr) taken_ = (ptr);                                                                      \
        (ptr) = NULL;                                                                                        \
        taken_;                                                                                              \
    })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
