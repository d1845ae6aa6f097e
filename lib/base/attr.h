/*
 * Compiler attributes under readable names, and the two ownership helpers every
 * module uses: cleanup attributes and TAKE_PTR. Nothing here can fail.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_CHECK               __attribute__((warn_unused_result))
#define NORETURN                 __attribute__((noreturn))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define RETURNS_NONNULL          __attribute__((returns_nonnull))
#define UNUSED                   __attribute__((unused))

/* Run fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Move a pointer out of an owning variable: the variable no longer owns it. */
#define TAKE_PTR(ptr)                                                                                        \
    __extension__({                                                                                          \
        __typeof__(ptr) taken_ = (ptr);                                                                      \
        (ptr) = NULL;                                                                                        \
        taken_;                                                                                              \
    })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
