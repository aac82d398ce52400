"""Writes ../prompts.jsonl (210 demo problems) and ../eval.jsonl (600 problems, the ones that evaluate.py measures)."""
import json
import os

from problems import sets

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def write(file, prefix, name, count):
    with open(os.path.join(FOLDER, file), "w", encoding="ascii", newline="\n") as f:
        for i, p in enumerate(sets(name, count)):
            f.write(json.dumps({"id": f"{prefix}-{i:04d}", "family": p.family, "steps": p.steps, "prompt": p.prompt,
                                "answer": str(p.value)}) + "\n")


if __name__ == "__main__":
    write("prompts.jsonl", "demo", "demonstration", 70)
    write("eval.jsonl", "eval", "evaluation", 200)
