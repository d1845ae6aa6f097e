"""Each lint rule accepts a small tree that follows it and reports what breaks it."""
import shutil
import subprocess
from pathlib import Path

import pytest
from rules import RULES, check
from tree import Tree

ROOT = Path(subprocess.check_output(["git", "rev-parse", "--show-toplevel"], cwd=Path(__file__).parent, text=True).strip())
GONE = "gone"  # no file has this name. The other names exist in this tree: the rule about mentions reads this file, too


def source(headers, *code):
    """A C file that includes headers of the tree; with one, its code starts in line 8."""
    return "\n".join([*(f'#include "{header}"' for header in headers.split()), "", "#include <stdbool.h>", "#include <string.h>", "", '#include "base/banned.h"',
                      "", *code, ""])


def function(head, *body):
    return [head, "{", *(f"    {line}" for line in body), "}"]


def err(*code):
    """lib/base/err.c with more code, from line 13 on."""
    return {"lib/base/err.c": source("base/err.h", *function("int err_set(struct err *e)", "return e != NULL;"), "", *code)}


def inside(*body):
    """A function around what is tested, from line 15 on."""
    return err(*function("static bool f(const char *s, bool is_set, int n)", *body))


# A tree that follows all rules: two modules of a library and one of the operator.
TREE = {
    "lib/base/banned.h": "/* What is not used. */\n",
    "lib/base/err.h": "/* Errors. */\nstruct err {\n    int code;\n};\nint err_set(struct err *e);\n",
    "lib/base/err.c": source("base/err.h", *function("int err_set(struct err *e)", "return e != NULL;")),
    "lib/base/view.h": "/* Views: see lib/base/err.h. */\nint view_length(const char *s);\n",
    "lib/base/view.c": source("base/view.h", *function("int view_length(const char *s)", "return (int)strlen(s);")),
    "operator/api/job.h": "/* A job. */\nint job_read(const char *text);\n",
    "operator/api/job.c": source("api/job.h", *function("int job_read(const char *text)", "return *text != '\\0';")),
    "crds/cloister.dev_trainingjobs.yaml": "kind: Job\n",
    "charts/cloister/files/cloister.dev_trainingjobs.yaml": "kind: Job\n",
}

GOOD = {
    "the tree as it is": {},
    "comparisons": inside("return s != NULL && *s != '\\0' && is_set && s[1] == 'x' && n == 0 && !is_set;"),
    "a number tested by its truth": inside("return n && !n;"),
    "a result that is dropped": inside("(void)!strchr(s, 'x');", "return n > 0 && is_set;"),
    "a for over characters": inside("for (const char *c = s; *c != '\\0'; c++)", "    n++;", "return n > 0 && is_set;"),
    "six parameters": err(*function("static int f(int a, int b, int c, int d, int e, int g)", "return a + b + c + d + e + g;")),
    "an internal header": {"lib/crypt/stream_int.h": "/* Inside streams. */\nint stream_more(void);\n",
                           "lib/crypt/stream.c": source("crypt/stream_int.h", *function("int stream_more(void)", "return 1;"))},
    "names from a folder on, by pattern, without ending, foreign": {
        "docs/setup.md": "err.c, base/{err,view}.h, base/e*.c, lib/base/view, string.h, [b](setup.md#top).\n"},
    "names of other places": {"docs/setup.md": f"https://example.com/{GONE}.md, /usr/lib/{GONE}.h, $HOME/lib/{GONE}, core/v1\n"},
}


@pytest.fixture
def lint(tmp_path):
    """Gives the problems of the good tree with some files replaced or added, each with its rule's name."""
    def problems_with(files):
        shutil.copy(ROOT / ".clang-format", tmp_path)
        for path, text in {**TREE, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        return [(rule, str(problem)) for rule, problems in check(Tree(tmp_path)).items() for problem in problems]
    return problems_with


@pytest.mark.parametrize("files", GOOD.values(), ids=GOOD)
def test_a_tree_that_follows_the_rules_is_accepted(lint, files):
    assert lint(files) == []


HEADER = TREE["lib/base/err.h"]
BAD = {
    "compiles": [
        (err(*function("static int f(void)", "return none;")),
         "lib/base/err.c:15: does not compile: use of undeclared identifier 'none'"),
        ({"lib/base/view.h": "/* Views. */\nint view_length(const char *s);\nstruct wide {\n    none_t n;\n};\n"},
         "lib/base/view.h:4: does not compile: unknown type name 'none_t'"),
    ],
    "includes": [
        ({"lib/base/view.h": '/* Views. */\n#include "api/job.h"\nint view_length(const char *s);\n'},
         "lib/base/view.h:2: lib/base may not include operator/api: its rank is not lower"),
        ({"lib/base/view.h": f'/* Views. */\n#include <openssl/evp.h>\nint view_length(const char *s);\n', "lib/data/js.h": "/* JSON. */\n#include <openssl/evp.h>\n"},
         "lib/data/js.h:2: openssl/evp.h is confined to lib/base, lib/crypt, lib/net"),
        ({"lib/os/log.h": "/* A log. */\n", "operator/api/labels.h": '/* Labels. */\n#include "os/log.h"\n'},
         "operator/api/labels.h:2: operator/api is pure and may not include lib/os"),
        ({f"lib/{GONE}/{GONE}.h": "/* Errors. */\n"},
         f"lib/{GONE}/{GONE}.h: folder lib/{GONE} has no rank; give it one in rules.includes"),
        ({"lib/base/arena.h": '/* A. */\n#ifndef A\n#define A\n#include "base/strbuf.h"\n#endif\n',
          "lib/base/strbuf.h": '/* B. */\n#ifndef B\n#define B\n#include "base/arena.h"\n#endif\n'},
         "lib/base/strbuf.h:4: include cycle: lib/base/arena.h -> lib/base/strbuf.h -> lib/base/arena.h"),
        ({"worker/agent/gate.h": '/* A. */\n#include "api/job.h"\n'},
         "worker/agent/gate.h:2: worker/agent may not include operator/api: its rank is not lower"),
        ({"worker/install.h": '/* A. */\n#include "api/job.h"\n'}, "worker/install.h:2: worker may not include operator"),
        ({"lib/base/arena.c": "static int a;\n"}, 'lib/base/arena.c: the last include must be "base/banned.h"'),
    ],
    "calls": [
        ({"lib/base/view.c": source("base/view.h base/err.h", *function("int view_length(const char *s)", "return err_set(NULL);")),
          "lib/base/err.c": source("base/err.h base/view.h", *function("int err_set(struct err *e)", "return view_length(NULL);"))},
         "lib/base/err.c:11: circular calls: lib/base/err.c calls view_length() of lib/base/view.c, "
         "lib/base/view.c calls err_set() of lib/base/err.c"),
    ],
    "declarations": [
        (err("int f(void);", "", *function("int f(void)", "return 1;")),
         "lib/base/err.c:15: f is declared in no header, not in lib/base/err.h or a *_int.h beside it"),
        ({"lib/base/view.h": TREE["lib/base/view.h"] + "extern int other;\n", **err("int other;")},
         "lib/base/err.c:13: other is declared in lib/base/view.h, not in lib/base/err.h or a *_int.h beside it"),
        ({"lib/base/err.h": HEADER + "int err_none(void);\n"}, "lib/base/err.h:6: err_none is declared but never defined"),
    ],
    "signatures": [
        (err(*function("static int f(int a, int b, int c, int d, int e, int g, int h)", "return a + b + c + d + e + g + h;")),
         "lib/base/err.c:13: f takes 7 parameters, more than 6"),
        ({"lib/base/err.h": HEADER + "typedef int call(int, int, int, int, int, int, int);\n"},
         "lib/base/err.h:6: call takes 7 parameters, more than 6"),
    ],
    "keywords": [
        (err(*function("static int f(int class)", "return class;")), "lib/base/err.c:13: the name class is a keyword of C++"),
        ({"lib/base/err.h": HEADER + "struct a {\n    struct template *n;\n};\n"}, "lib/base/err.h:7: the name template is a keyword of C++"),
        ({"lib/base/err.h": HEADER + "struct a {\n    int this;\n};\n"}, "lib/base/err.h:7: the name this is a keyword of C++"),
    ],
    "truth": [(inside(*body), f"lib/base/err.c:15: {wrong}") for body, wrong in (
        (("if (s)", "    n++;", "return n > 0;"), "compare the pointer s with NULL instead of testing its truth"),
        (("while (*s)", "    s++;", "return n > 0;"), "compare the character *s with '\\0' instead of testing its truth"),
        (("for (const char *c = s; *c; c++)", "    n++;", "return n > 0;"), "compare the character *c with '\\0' instead of testing its truth"),
        (("return !s;",), "compare the pointer s with NULL instead of testing its truth"),
        (("return s;",), "compare the pointer s with NULL instead of testing its truth"),
        (("return is_set && strchr(s, 'x');",), "compare the pointer strchr(s, 'x') with NULL instead of testing its truth"),
        (("return is_set || (*s && n);",), "compare the character *s with '\\0' instead of testing its truth"),
        (("return (s ? 1 : n) > 0;",), "compare the pointer s with NULL instead of testing its truth"),
        (("return s == 0;",), "compare a pointer with NULL, not with 0"),
        (("return *s != 0;",), "compare a character with '\\0', not with 0"),
        (("return NULL == s;",), "put the constant on the right of == and !="),
        (("return s[0] == '\\0';",), "test whether a string is empty with *s == '\\0'"),
        (("return strlen(s) == 0;",), "test whether a string is empty with *s == '\\0'"),
        (('return strcmp(s, "") == 0;',), "test whether a string is empty with *s == '\\0'"))],
    "unique": [
        ({"lib/base/view.h": TREE["lib/base/view.h"] + "struct err;\n", "operator/api/job.c": TREE["operator/api/job.c"] + "\nstruct err {\n    int n;\n};\n"},
         "lib/base/err.h:2: the tag 'err' is also defined in operator/api/job.c:13"),
        ({f"lib/base/{GONE}.h": "/* A. */\n", f"operator/api/{GONE}.h": "/* B. */\n"},
         f"lib/base/{GONE}.h: another header is named {GONE}.h: operator/api/{GONE}.h"),
    ],
    "sizes": [
        (err(*["/* A line. */"] * 400), "lib/base/err.c: 412 lines, more than 400: split it by idea"),
        (inside(*["n++;"] * 60, "return n > 0;"), "lib/base/err.c:14: function of 61 lines, more than 60"),
    ],
    "headers": [({"lib/base/arena.h": "struct a;\n"}, "lib/base/arena.h:1: starts without saying what it is for")],
    "formatting": [(err("int  *x;".join(("static ", ""))), "lib/base/err.c: not formatted; run 'make fmt'")],
    "mentions": [
        (err(f"/* See {GONE}.c. */"), f"lib/base/err.c:13: {GONE}.c does not exist"),
        ({"docs/setup.md": f"It is `lib/{GONE}`, not lib/base.\n"}, f"docs/setup.md:1: lib/{GONE} does not exist"),
        ({"docs/setup.md": f"[a](../crds/{GONE}.md#top)\n"}, f"docs/setup.md:1: ../crds/{GONE}.md does not exist"),
        ({"Makefile": f"SRC := lib/base/{{err,{GONE}}}.c\n"}, f"Makefile:1: lib/base/{{err,{GONE}}}.c does not exist"),
        ({"run": f"cat lib/{GONE}_*.c\n"}, f"run:1: lib/{GONE}_*.c does not exist"),
    ],
    "unfinished": [(err("/* TO" "DO: more. */"), "lib/base/err.c:13: unfinished work is not committed")],
    "chart": [({"crds/cloister.dev_trainingjobs.yaml": "kind: Other\n"}, "charts/cloister/files/cloister.dev_trainingjobs.yaml: differs from crds/cloister.dev_trainingjobs.yaml; copy it")],
}


@pytest.mark.parametrize(("rule", "files", "problem"), [(rule, *case) for rule, cases in BAD.items() for case in cases])
def test_a_violation_is_reported(lint, rule, files, problem):
    assert lint(files) == [(rule, problem)]


def test_every_rule_has_a_violation_here():
    assert set(BAD) == {"compiles", *(rule.__name__.split(".")[-1] for rule in RULES)}
