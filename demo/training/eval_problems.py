"""Writes ../eval.jsonl: 500 graded problems to evaluate KV policies on, none of them in ../prompts.jsonl.

usage: eval_problems.py          (the same file each time; about two minutes, most of it the comparison with fresh draws)

Both families in prompts.jsonl's proportion: 350 expressions of 2 to 12 operands, 150 word problems of 2 to 8 steps with
0 to 4 quantities that are told and not needed. Expressions go to 12 operands, not 18, so that two CPU cores get through
a grid in an hour.
"""
import json
import os
import random

import problems

SEED = 20261122
EXPRESSIONS, WORDS = 350, 150
FRESH_DRAWS = 100_000
HERE = os.path.dirname(os.path.abspath(__file__))


def known():
    """Prompts that can be named: those of prompts.jsonl, of evaluate.py and of the tokenizer's training."""
    with open(f"{HERE}/../prompts.jsonl") as file:
        prompts = {json.loads(line)["prompt"] for line in file}
    rng = random.Random(0)
    prompts |= {problems.sample(rng)[0] for _ in range(15_000)}
    rng = random.Random(987654321)
    for make, largest in ((lambda n: problems.word_problem(rng, n, rng.randint(0, 4)), 20),
                          (lambda n: problems.expression(rng, n), 18)):
        for low, high in ((2, 4), (5, 8), (9, 12), (13, 16), (17, largest)):
            prompts |= {make(rng.randint(low, high))[0] for _ in range(32)}
    return prompts


def main():
    rng = random.Random(SEED)
    seen = known()
    families = ["expression"] * EXPRESSIONS + ["word"] * WORDS
    rng.shuffle(families)
    rows = []
    for number, family in enumerate(families):
        while True:
            if family == "word":
                prompt, _, _, value, steps = problems.word_problem(rng, rng.randint(2, 8), rng.randint(0, 4))
            else:
                prompt, _, _, value, steps = problems.expression(rng, rng.randint(2, 12))
            if prompt not in seen:
                break
        seen.add(prompt)
        rows.append({"id": f"eval-{number:04d}", "family": family, "steps": steps, "prompt": prompt,
                     "answer": str(value)})
    with open(f"{HERE}/../eval.jsonl", "w") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    own = {row["prompt"]: row for row in rows}
    rng = random.Random(SEED + 1)
    met = [own[p] for p in (problems.sample(rng)[0] for _ in range(FRESH_DRAWS)) if p in own]
    print(f"{len(rows)} problems; of {FRESH_DRAWS} documents drawn as for training {len(met)} were among them"
          + "".join(f", {n} with {s} operation{'s' * (s > 1)}"
                    for s in sorted({m['steps'] for m in met}) for n in [sum(m['steps'] == s for m in met)]))


if __name__ == "__main__":
    main()
