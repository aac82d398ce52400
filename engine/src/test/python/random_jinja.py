#!/usr/bin/env python3
"""Makes random small templates and notes what Python's jinja2 makes of them, in the form of record_jinja.py.

    random_jinja.py RECORDS.json SEED COUNT

Needs Python 3.9 or newer and jinja2 3.1 (Debian: python3-jinja2).
"""

import copy
import json
import random
import re
import sys
import warnings

import hf_jinja

VARIABLES = {
    "s": "Hello, wörld! <think> a</think>\n ",
    "t": "aXbXc",
    "e": "",
    "i": 7,
    "j": -3,
    "f": 2.5,
    "yes": True,
    "no": False,
    "none_": None,
    "l": [3, 1, 2],
    "w": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": "x", "n": None},
    "m": [{"role": "user", "content": " hi "}, {"role": "assistant", "content": "yo", "n": 2}],
}
ATOMS = list(VARIABLES) + ["1", "0", "2", "'a'", "'X'", "''", "' '", "1.5", "true", "none", "[]", "[1, 'a']", "{'a': 1}",
                           "(1, 2)", "missing", "d.a", "d['b']", "d.zz", "m[0].role", "m[-1].n", "l[0]", "s[0]", "l|first"]
BINARY = ["+", "-", "*", "//", "%", "/", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in"]
FILTERS = ["length", "upper", "lower", "trim", "string", "int", "float", "first", "last", "list", "join('-')", "join", "tojson",
           "default('q')", "default('q', true)", "reverse|list", "sort", "unique|list", "title", "capitalize", "abs", "sum",
           "map('string')|list", "select|list", "replace('a', 'b')", "tojson(indent=1)", "items|list", "min", "max",
           "round(1)", "wordcount", "indent(2)", "selectattr('role', 'eq', 'user')|list", "map(attribute='role')|list",
           "batch(2)|list", "dictsort", "center(9)"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence",
         "odd", "even", "true", "false", "lower", "upper", "in [1, 'a']", "eq 1", "divisibleby 2", "callable"]
METHODS = [".strip()", ".split('X')", ".split()", ".upper()", ".replace('a', 'zz')", ".startswith('a')", ".find('X')", ".items()|list",
           ".get('a')", ".keys()|list", ".title()", ".rstrip('! \\n')", ".lstrip('H')", ".split('X', 1)[-1]", ".count('a')",
           ".splitlines()", ".partition('X')", ".zfill(4)"]
SLICES = ["[1:]", "[:-1]", "[::-1]", "[0]", "[-1]", "[1:2]", "[::2]", "['a']", "[5]", "[-9:3]", "[2:0:-1]"]


def expression(rng, depth):
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(ATOMS)
    kind = rng.randrange(9)
    if kind <= 1:
        return f"{expression(rng, depth - 1)} {rng.choice(BINARY)} {expression(rng, depth - 1)}"
    if kind == 2:
        return f"({expression(rng, depth - 1)})|{rng.choice(FILTERS)}"
    if kind == 3:
        return f"{expression(rng, depth - 1)}|{rng.choice(FILTERS)}"
    if kind == 4:
        return f"(({expression(rng, depth - 1)}) is {rng.choice(['', 'not '])}{rng.choice(TESTS)})"
    if kind == 5:
        return f"({expression(rng, depth - 1)}){rng.choice(METHODS)}"
    if kind == 6:
        return f"{rng.choice(list(VARIABLES))}{rng.choice(SLICES)}"
    if kind == 7:
        return f"({rng.choice(['not ', '-', '+'])}({expression(rng, depth - 1)}))"
    return f"{expression(rng, depth - 1)} if {expression(rng, depth - 1)} else {expression(rng, depth - 1)}"


def blank(rng):
    return rng.choice(["", "", " ", "\n", "  \n", "\n  ", " a ", "\n\n\t"])


def tag(rng, inside):
    return "{%" + rng.choice(["", "", "-", "+"]) + f" {inside} " + rng.choice(["", "", "-", "+"]) + "%}"


def template(rng, depth):
    out = []
    for _ in range(rng.randrange(1, 4)):
        out.append(blank(rng))
        kind = rng.randrange(7 if depth else 2)
        if kind <= 1:
            out.append("{{" + rng.choice(["", "", "-"]) + f" {expression(rng, 2)} " + rng.choice(["", "", "-"]) + "}}")
        elif kind == 2:
            middle = tag(rng, rng.choice(["else", f"elif {expression(rng, 1)}"])) + template(rng, depth - 1)
            out.append(tag(rng, f"if {expression(rng, 2)}") + template(rng, depth - 1) + middle + tag(rng, "endif"))
        elif kind == 3:
            sequence = rng.choice(["l", "w", "d", "s", "m", "e", "range(3)", "l[::-1]", "missing", "d|dictsort"])
            condition = rng.choice(["", "", f" if {expression(rng, 1)}"])
            body = rng.choice(["{{ x }}", "{{ loop.index }}", "{{ loop.last }}{{ loop.previtem }}"]) + template(rng, depth - 1)
            jump = rng.choice(["", "", "{% if loop.first %}{% continue %}{% endif %}", "{% if x == 1 %}{% break %}{% endif %}"])
            out.append(tag(rng, f"for x in {sequence}{condition}") + jump + body + tag(rng, "endfor"))
        elif kind == 4:
            out.append(tag(rng, f"set v = {expression(rng, 2)}") + "{{ v }}")
        elif kind == 5:
            out.append(tag(rng, "set v") + template(rng, depth - 1) + tag(rng, "endset") + "[{{ v|trim }}]")
        else:
            out.append("{#" + rng.choice(["", "-"]) + " c " + rng.choice(["", "-"]) + "#}")
        out.append(blank(rng))
    return "".join(out)


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(int(sys.argv[2]))
    env = hf_jinja.environment()
    records = []
    while len(records) < int(sys.argv[3]):
        source = template(rng, 2)
        kind, text = hf_jinja.outcome(env, source, copy.deepcopy(VARIABLES))
        # The text of an object that has none but its address differs from run to run.
        if not re.search(r" at 0x|<built-in|<bound", text):
            records.append({"name": f"random {len(records)}", "template": source, "variables": VARIABLES, kind: text})
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(records, out, ensure_ascii=False)


if __name__ == "__main__":
    main()
