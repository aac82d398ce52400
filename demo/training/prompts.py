"""Writes ../prompts.jsonl (210 demo problems) and ../eval.jsonl (500 of the problems that evaluate.py measures).

The families take turns, so that the first lines of a file hold all of them.
"""
import json
import os
from itertools import zip_longest

from problems import FAMILIES, sets

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def turns(name, counts):
    """As many problems of each family as `counts` says, in the order of FAMILIES, one of each after the other."""
    problems = sets(name, max(counts))
    families = [[p for p in problems if p.family == f][:n] for f, n in zip(FAMILIES, counts)]
    return [p for row in zip_longest(*families) for p in row if p]


def write(file, prefix, name, counts):
    with open(os.path.join(FOLDER, file), "w", encoding="ascii", newline="\n") as f:
        for i, p in enumerate(turns(name, counts)):
            f.write(json.dumps({"id": f"{prefix}-{i:04d}", "family": p.family, "steps": p.steps, "prompt": p.prompt,
                                "answer": str(p.value)}) + "\n")


if __name__ == "__main__":
    write("prompts.jsonl", "demo", "demonstration", (70, 70, 70))
    write("eval.jsonl", "eval", "evaluation", (80, 210, 210))
