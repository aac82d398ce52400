"""Word problems: quantities that follow from each other, told in any order among others that do not matter.

A fact begins with its key (`Mia's apples are 9 more than Leo's pens.`), and a problem has few owners and few items, so
that both must be matched. The trace is a stack machine in words: what is still needed, the first one first, and what is
known and not yet used. Each line says both anew, so that a line needs only the prompt and the line before it.
"""

OWNERS = ("Mia Noah Ava Liam Zoe Omar Ruth Ivan Lena Hugo Nora Theo Iris Sam Ella Finn Maya Jack Anna Leo Rosa Ben "
          "Clara Dan Eva Gus Hana Igor June Kai Lucy Max Nina Otto Pia Quinn Rita Sven Tara Uma").split()
ITEMS = ("marbles apples coins pens books shells stamps cards stones beads pears plums nuts figs keys cups hats "
         "kites drums bells boxes rings seeds roses tiles toys maps mugs bags cakes").split()
LIMIT = 999


class _Quantity:
    __slots__ = ("owner", "item", "kind", "number", "parents", "value")

    def __init__(self, owner, item):
        self.owner, self.item = owner, item
        self.kind, self.number, self.parents, self.value = None, 0, (), None

    @property
    def key(self):
        return f"{self.owner}'s {self.item}"

    def settle(self, rng):
        """Draws the number and works the value out; False where none fits."""
        if not self.parents:
            self.kind = "given"
            self.number = self.value = rng.randint(2, 60)
            return True
        a = self.parents[0].value
        if len(self.parents) == 2:
            self.kind, self.value = "sum", a + self.parents[1].value
        else:
            self.kind = rng.choice(("times", "more", "fewer", "more", "fewer"))
            if self.kind == "times":
                self.number = rng.randint(2, 9)
                self.value = self.number * a
            elif self.kind == "more":
                self.number = rng.randint(2, 99)
                self.value = a + self.number
            else:
                self.number = rng.randint(2, 99)
                self.value = a - self.number
        return 1 < self.value <= LIMIT

    def fact(self):
        if self.kind == "given":
            return f"{self.key} are {self.number}"
        a = self.parents[0].key
        if self.kind == "sum":
            return f"{self.key} are {a} and {self.parents[1].key} together"
        if self.kind == "times":
            return f"{self.key} are {self.number} times {a}"
        return f"{self.key} are {self.number} {self.kind} than {a}"

    def formula(self):
        """(left, sign, right) of the one operation that gives the value."""
        a = self.parents[0].value
        if self.kind == "sum":
            return a, "+", self.parents[1].value
        if self.kind == "times":
            return self.number, "*", a
        return a, "+" if self.kind == "more" else "-", self.number


def _grow(rng, keys, size, sums):
    """A tree of `size` quantities, the root first, settled from the leaves up; None where the values do not fit."""
    nodes = [_Quantity(*keys.pop()) for _ in range(size)]
    open_ends, rest = [nodes[0]], nodes[1:]
    while rest:
        x = open_ends.pop(rng.randrange(len(open_ends)))
        count = 2 if len(rest) > 1 and rng.random() < sums else 1
        x.parents = tuple(rest[:count])
        rest = rest[count:]
        open_ends.extend(x.parents)
    return nodes if all(x.settle(rng) for x in reversed(nodes)) else None


def _told(rng, needed, others):
    """Everything settled: a tree of what is needed, and others that follow from anything."""
    while True:
        owners = rng.sample(OWNERS, rng.randint(3, 4))
        items = rng.sample(ITEMS, rng.randint(3, 4) if needed + others <= 9 else 4)
        if len(owners) * len(items) < needed + others:
            continue
        keys = [(o, i) for o in owners for i in items]
        rng.shuffle(keys)
        nodes = _grow(rng, keys, needed, rng.choice((0.0, 0.3)))
        if nodes is None:
            continue
        told = list(nodes)
        for _ in range(others):
            for _ in range(20):
                x = _Quantity(*keys[-1])
                if rng.random() < 0.7:
                    x.parents = (rng.choice(told),)
                if x.settle(rng):
                    keys.pop()
                    told.append(x)
                    break
        return nodes, told


def _state(need, have):
    s = "Need " + ", ".join(x.key for x in need) if need else "Need nothing"
    if have:
        s += "; have " + ", ".join(f"{x.key} = {x.value}" for x in have)
    return s + ".\n"


def word_problem(rng, needed, others):
    """A problem whose answer needs exactly `needed` quantities, told among about `others` more: see problems.Problem."""
    from arithmetic import said
    nodes, told = _told(rng, needed, others)
    asked = nodes[0]
    rng.shuffle(told)
    prompt = " ".join(x.fact() + "." for x in told) + f" How many {asked.item} does {asked.owner} have?"

    slip = rng.randrange(needed) if rng.random() < 0.05 else -1
    need, have, lines, done = [asked], [], [(_state([asked], []), True)], 0
    while need:
        x = need[0]
        if x.kind == "given":
            lines.append((f"{x.fact()}. ", True))
        elif not all(p in have for p in x.parents):
            need = list(x.parents) + need
            lines.append((f"{x.fact()}. {_state(need, have)}", True))
            continue
        else:
            lines.append((f"{x.fact()}: ", True))
            lines.extend(said(rng, *x.formula(), x.value, done == slip))
            lines.append((". ", True))
            have = [y for y in have if y not in x.parents]
        need, have, done = need[1:], have + [x], done + 1
        lines.append((_state(need, have), True))
    return prompt, lines, f"{asked.owner} has {asked.value} {asked.item}.", asked.value, needed
