"""The problems of the demo model: synthetic, with worked traces, in three families.

Seeds: training draws from `random.Random("train ...")`, everything that is measured from `random.Random("... prompts")`;
`sets` says which. Run as a program, it prints an example of each family and the lengths.
"""
import random
from typing import NamedTuple

from expressions import expression
from programs import draw_operations, program
from words import word_problem

FAMILIES = ("program", "word", "expression")
SHARES = (0.30, 0.40, 0.30)         # of the documents that the model is trained on


class Problem(NamedTuple):
    """One problem. `trace` is [(text, learn)]: the loss skips text that is not to be learnt (a planted mistake)."""
    prompt: str
    trace: list
    close: str
    value: int
    steps: int
    family: str

    def segments(self):
        """The whole document as [(text, learn)], cut only where tokens cannot reach across."""
        out = [(head(self.prompt), False)]
        for text, learn in self.trace:
            if out[-1][1] == learn:
                out[-1] = (out[-1][0] + text, learn)
            else:
                out.append((text, learn))
        return out + [(tail(self.close, self.value), True)]


def head(prompt):
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n<think>\n"


def tail(close, value):
    return f"</think>\n\n{close} The answer is \\boxed{{{value}}}.<|im_end|>"


def draw(rng, family):
    """A problem as it is measured."""
    if family == "program":
        return Problem(*program(rng, draw_operations(rng)), family)
    if family == "word":
        return Problem(*word_problem(rng, rng.randint(3, 7), rng.randint(1, 4)), family)
    return Problem(*expression(rng, rng.randint(3, 8)), family)


def draw_for_training(rng):
    """Any family; some programs and word problems are shorter than any that is measured, which is easier to begin with."""
    family = rng.choices(FAMILIES, SHARES)[0]
    if family == "program" and rng.random() < 0.4:
        return Problem(*program(rng, rng.randint(3, 30)), family)
    if family == "word" and rng.random() < 0.2:
        return Problem(*word_problem(rng, rng.randint(1, 4), rng.randint(0, 4)), family)
    return draw(rng, family)


def sets(name, count):
    """`count` different problems of each family, always the same for the same name."""
    out = []
    for family in FAMILIES:
        rng, seen = random.Random(f"{name} {family} prompts"), set()
        while len(seen) < count:
            p = draw(rng, family)
            if p.prompt not in seen:
                seen.add(p.prompt)
                out.append(p)
    return out


def main():
    import sys
    import time
    from bpe import Codec
    codec = Codec.load()
    seed = sys.argv[1] if len(sys.argv) > 1 else "example"
    for family in FAMILIES:
        p = draw(random.Random(seed), family)
        text = "".join(s for s, _ in p.trace) + tail(p.close, p.value)
        print(f"--- {family}, {p.steps} steps\n{p.prompt}\n<think>\n{text}")
    for family in FAMILIES:
        rng, lengths, prompts, began = random.Random(seed), [], [], time.time()
        problems = [draw(rng, family) for _ in range(1000)]
        drawn = time.time()
        for p in problems:
            segments = p.segments()
            prompts.append(len(codec.encode(segments[0][0])))
            lengths.append(sum(len(codec.encode(s)) for s, _ in segments[1:]))
        coded = time.time()
        lengths.sort()
        shares = ", ".join(f"p{n} {lengths[10 * n]}" for n in (5, 25, 50, 75, 95))
        print(f"{family}: prompt mean {sum(prompts) / 1000:.0f}, most {max(prompts)}; output mean {sum(lengths) / 1000:.0f}, "
              f"{shares}, most {lengths[-1]}, over 1000: {sum(n > 1000 for n in lengths) / 10:.0f} %; "
              f"ms each: draw {drawn - began:.3f}, encode {coded - drawn:.3f}")


if __name__ == "__main__":
    main()
