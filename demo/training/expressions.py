"""Short expressions, reduced one operation at a time, then done again as a check.

A tree is a whole number or [left, sign, right]. Each line says what is left of the expression, so that a line needs only
the one before it, or the prompt at the beginning of the check.
"""
from arithmetic import said

LIMIT = 999
ASK = ("Compute {}.", "What is {}?", "Evaluate {}.", "Find the value of {}.")


def _draw(rng, leaves):
    if leaves == 1:
        return rng.randint(1, 60)
    left = rng.randint(1, leaves - 1)
    return [_draw(rng, left), "+", _draw(rng, leaves - left)]


def _apply(a, sign, b):
    """The value, or None where it is out of range or the product is too hard."""
    if sign == "*":
        if min(a, b) > 12:
            return None
        v = a * b
    else:
        v = a + b if sign == "+" else a - b
    return v if 0 <= v <= LIMIT else None


def _settle(rng, tree):
    """Draws signs from the leaves up so that each operation is allowed; returns the value, None where none is."""
    if isinstance(tree, int):
        return tree
    a, b = _settle(rng, tree[0]), _settle(rng, tree[2])
    if a is None or b is None:
        return None
    signs = list("+-*")
    rng.shuffle(signs)
    for tree[1] in signs:
        v = _apply(a, tree[1], b)
        if v is not None:
            return v
    return None


def _show(tree, top=True):
    if isinstance(tree, int):
        return str(tree)
    s = f"{_show(tree[0], False)} {tree[1]} {_show(tree[2], False)}"
    return s if top else f"({s})"


def _reduce(tree):
    """(tree with its leftmost operation over two numbers done, (a, sign, b)); the second is None for a number."""
    if isinstance(tree, int):
        return tree, None
    left, sign, right = tree
    if isinstance(left, int) and isinstance(right, int):
        return _apply(left, sign, right), (left, sign, right)
    new, did = _reduce(left)
    if did:
        return [new, sign, right], did
    new, did = _reduce(right)
    return [left, sign, new], did


def expression(rng, leaves):
    """An expression over that many numbers: see problems.Problem."""
    value = None
    while value is None:
        start = _draw(rng, leaves)
        value = _settle(rng, start)
    slip = rng.randrange(leaves) if rng.random() < 0.05 else -1
    lines, tree, done = [(f"Start with {_show(start)}.\n", True)], start, 0
    while not isinstance(tree, int):
        tree, (a, sign, b) = _reduce(tree)
        lines.extend(said(rng, a, sign, b, _apply(a, sign, b), done == slip))
        lines.append((f". Now {_show(tree)}.\n", True))
        done += 1
    lines.append((f"That gives {value}. Let me check.\n", True))
    tree = start
    while not isinstance(tree, int):
        tree, (a, sign, b) = _reduce(tree)
        lines.append((f"{a} {sign} {b} = {_apply(a, sign, b)}, leaving {_show(tree)}.\n", True))
    lines.append((f"Again {value}.\n", True))
    return ASK[rng.randrange(len(ASK))].format(_show(start)), lines, f"The value is {value}.", value, leaves - 1
