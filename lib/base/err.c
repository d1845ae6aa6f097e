#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include "base/banned.h"

enum { TEXT_MAX = 16 * 1024, NEVER = 0, LATER = 1 };

static const struct {
    const char *name;
    bool is_retryable;
} TABLE[] = {
#define ERR_ROW(code, name, again) {name, (again) == LATER},
#include "base/err.def"
#undef ERR_ROW
};

/* Names and answers of others stand in errors, and errors go to terminals, logs and JSON. */
static char *tamed(char *text)
{
    if (text != NULL)
        utf8_sanitize(text);
    return text;
}

void err_set(struct err *e, enum err_code code, const char *object, const char *format, ...)
{
    if (e == NULL)
        return;
    assert(e->code == ERR_NONE);
    va_list args;
    va_start(args, format);
    *e = (struct err){.code = code,
                      .object = object == NULL ? NULL : tamed(xstrdup(object)),
                      .text = tamed(xvasprintf(format, args))};
    va_end(args);
}

/* errno values that mean something to callers; everything else is ERR_IO. */
static enum err_code code_of_errno(int number)
{
    switch (number) {
    case ENOENT: return ERR_NOT_FOUND;
    case EEXIST: return ERR_ALREADY_EXISTS;
    case EACCES:
    case EPERM: return ERR_DENIED;
    default: return ERR_IO;
    }
}

void err_set_errno(struct err *e, const char *format, ...)
{
    int number = errno;
    if (e == NULL)
        return;
    assert(e->code == ERR_NONE);
    va_list args;
    va_start(args, format);
    char *text CLEANUP(cleanup_free) = xvasprintf(format, args);
    va_end(args);
    *e = (struct err){.code = code_of_errno(number),
                      .text = tamed(xasprintf("%s: %s", text, strerror(number)))};
    errno = number;
}

void err_wrap_text(struct err *e, const char *format, ...)
{
    if (e == NULL)
        return;
    struct err *cause = xmalloc(sizeof(*cause));
    *cause = *e;
    va_list args;
    va_start(args, format);
    *e = (struct err){
        .code = cause->code, .object = TAKE_PTR(cause->object), .text = tamed(xvasprintf(format, args))};
    va_end(args);
    e->cause = cause;
}

void err_recode(struct err *e, enum err_code code)
{
    if (e != NULL)
        e->code = code;
}

void err_name_object(struct err *e, const char *object)
{
    if (e != NULL && e->object == NULL)
        e->object = tamed(xstrdup(object));
}

void err_fini(struct err *e)
{
    free(e->object);
    free(e->text);
    if (e->cause != NULL) {
        err_fini(e->cause);
        free(e->cause);
    }
    *e = (struct err){.code = ERR_NONE};
}

void err_move(struct err *to, struct err *from)
{
    if (to == NULL) {
        err_fini(from);
        return;
    }
    assert(to->code == ERR_NONE);
    *to = *from;
    *from = (struct err){.code = ERR_NONE};
}

static void add_chain(struct strbuf *sb, const struct err *e)
{
    for (const struct err *at = e; at != NULL; at = at->cause) {
        if (at != e)
            strbuf_add_text(sb, ": ");
        if (at->text != NULL)
            strbuf_add_text(sb, at->text);
    }
}

char *err_text(const struct err *e)
{
    struct strbuf sb = STRBUF(TEXT_MAX);
    add_chain(&sb, e);
    return strbuf_take(&sb);
}

char *err_sentence(const struct err *e, const char *remedy)
{
    struct strbuf sb = STRBUF(TEXT_MAX);
    add_chain(&sb, e);
    if (*remedy != '\0')
        strbuf_addf(&sb, "%s To go on, %s.", view_has_suffix(strbuf_view(&sb), ".") ? "" : ".", remedy);
    return strbuf_take(&sb);
}

const char *err_code_name(enum err_code code)
{
    return TABLE[code].name;
}

bool err_code_is_retryable(enum err_code code)
{
    return TABLE[code].is_retryable;
}
