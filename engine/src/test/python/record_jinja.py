#!/usr/bin/env python3
"""Records what Python's jinja2 makes of the cases in jinja_cases.py, or checks the records.

    record_jinja.py RECORDS.json            write the records
    record_jinja.py RECORDS.json --check    fail if the records are not what jinja2 gives now

Needs Python 3.9 or newer and jinja2 3.1 (Debian: python3-jinja2).
"""

import json
import sys

import hf_jinja
from jinja_cases import CASES


def records():
    env = hf_jinja.environment()
    for name, template, variables, refused in CASES:
        kind, text = hf_jinja.outcome(env, template, variables)
        record = {"name": name, "template": template, "variables": variables}
        if refused is None:
            record[kind] = text
        else:
            record["refused"] = refused
        yield record


def main():
    found = list(records())
    names = [record["name"] for record in found]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    text = "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in found) + "\n]\n"
    if "--check" in sys.argv[2:]:
        with open(sys.argv[1], encoding="utf-8") as old:
            recorded = old.read()
        if recorded != text:
            by_name = {r["name"]: r for r in json.loads(recorded)}
            for record in found:
                if by_name.get(record["name"]) != record:
                    print("differs:", json.dumps(record, ensure_ascii=False))
            sys.exit(f"{sys.argv[1]} is not what jinja2 gives; write it anew and look at the change")
        print(f"{len(found)} records are what jinja2 gives")
    else:
        with open(sys.argv[1], "w", encoding="utf-8") as out:
            out.write(text)
        errors = sum("error" in r for r in found)
        print(f"{len(found)} cases: {errors} errors, {sum('refused' in r for r in found)} refused by intent")


if __name__ == "__main__":
    main()
