"""One operation over whole numbers as a trace says it: at once where it is short, else by the places of one operand."""


def _places(n):
    s = str(n)
    return [int(c) * 10 ** (len(s) - 1 - i) for i, c in enumerate(s) if c != "0"]


def _working(a, sign, b):
    """The short operations that lead from a and b to the result, the result left out."""
    if sign == "*":
        small, big = sorted((a, b))
        if big < 10:
            return []
        parts = _places(big)
        said, total = [f"{small} * {p} = {small * p}" for p in parts], small * parts[0]
        for p in parts[1:]:
            said.append(f"{total} + {small * p} = {total + small * p}")
            total += small * p
        return said
    if b < 10 or a < 10:
        return []
    said, total = [], a
    for p in _places(b):
        after = total + p if sign == "+" else total - p
        said.append(f"{total} {sign} {p} = {after}")
        total = after
    return said if len(said) > 1 else []


def said(rng, a, sign, b, value, slip):
    """[(text, learn)] without an end mark, ending with `a sign b = value`; `slip` puts a mistake and its repair first.

    The mistake itself is marked as not to be learnt: the model learns to repair, not to err. Pieces end where words end.
    """
    whole = f"{a} {sign} {b}"
    work = _working(a, sign, b)
    right = (", ".join(work) + ", so " if work else "") + f"{whole} = {value}"
    wrong = max(0, value + rng.choice((-10, -2, -1, 1, 2, 10))) if slip else value
    if wrong == value:
        return [(right, True)]
    return [(f"{whole} = {wrong}.", False), (f" Wait, {whole} is not {wrong}. {right}", True)]
