"""Programs: work a table of values out, then turn a dial by comparing it with the entries, one operation after the other.

What is built in on purpose, and why (README.md has the argument in full):

- A turn names its entry and says which way the dial goes and where it then stands, never the entry's value. The value is
  said once, beside the entry's name in the table, so that the table is the only place to read it from.
- A turn tells about one bit of the value. What the newest few hundred tokens tell of it bounds it, and no more.
- An operation adds its number to the dial first: without it, dial and pace fall into a cycle of some ten operations, which
  could be copied. The pace adds the dial up, so that a mistake is not forgotten where the dial itself comes back to where
  it should be.
- A turn takes four tokens, and an operation goes through a loop of two or three entries: any 64 tokens look each entry up
  several times.
- Everything else that a line needs (dial, pace, number) stands in it, in the line before it or in the prompt.
"""

ENTRIES = ("ba bo bu da du fa fi fo ga ge gi gu ha hu ja je jo ju ka ke ki ko ku la le li lo lu ma mi mo mu "
           "na ne ni nu pa pe po pu ra re ri ro ru sa se su ta te ti tu va vi vo wa wu ya yo za ze zi zo zu").split()

FIRST_OPERATIONS, LAST_OPERATIONS = 20, 60
ROUNDS = {2: 6, 3: 4}                       # entries in the loop: how often an operation goes through it
LOOP_SHARES = (0.7, 0.3)
DOWN = [n for n in range(11, 50) if n % 5]  # how far the dial goes down
LOWEST, HIGHEST = 15, 85                    # values of the entries in the loop: no comparison is decided beforehand


class _Entry:
    """One row of the table; `down` is how far a turn goes down, 0 for an entry that is not in the loop."""
    __slots__ = ("name", "rule", "work", "value", "down")

    def __init__(self, name, rule, work, value):
        self.name, self.rule, self.work, self.value, self.down = name, rule, work, value, 0

    def row(self):
        return f"{self.name} = {self.rule}: {self.work} makes {self.name} {self.value}.\n"

    def move(self, dial, pace):
        """The way the dial goes, and where it then stands."""
        return ("+", (dial + pace) % 100) if dial < self.value else ("-", (dial - self.down) % 100)


def _product(rng, name):
    while True:
        a, b, c = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 40)
        op = rng.choice("+-")
        value = a * b + c if op == "+" else a * b - c
        if 10 <= value <= 99:
            return _Entry(name, f"{a} * {b} {op} {c}", f"{a} * {b} = {a * b}, {a * b} {op} {c}", value)


def _derived(rng, name, base):
    """An entry of the loop, which follows from another one: its own rule does not tell its value."""
    while True:
        c, kind = rng.randint(2, 99), rng.randrange(3)
        if kind == 0:
            value, rule, work = base.value + c, f"{base.name} + {c}", f"{base.value} + {c}"
        elif kind == 1:
            value, rule, work = base.value - c, f"{base.name} - {c}", f"{base.value} - {c}"
        else:
            value, rule, work = c - base.value, f"{c} - {base.name}", f"{c} - {base.value}"
        if LOWEST <= value <= HIGHEST:
            return _Entry(name, rule, work, value)


def _table(rng, size):
    """(all entries in the order of the table, those of the loop): one or two that the others follow from come first."""
    names = rng.sample(ENTRIES, size + 2)
    bases = [_product(rng, names.pop()) for _ in range(rng.choice((1, 1, 2)))]
    loop = [_derived(rng, names.pop(), rng.choice(bases)) for _ in range(size)]
    for e, down in zip(loop, rng.sample(DOWN, size)):
        e.down = down
    return bases + rng.sample(loop, size), loop


def program(rng, operations, loop=None):
    """A program of that many operations, `loop` entries in its loop (drawn where not given): see problems.Problem."""
    size = loop or rng.choices(list(ROUNDS), LOOP_SHARES)[0]
    table, loop = _table(rng, size)
    rounds, dial, pace = ROUNDS[size], rng.randint(0, 99), rng.randint(1, 99)
    rules = "; ".join(f"{e.name} = {e.rule}" for e in table)
    moves = "; ".join(f"below {e.name} up by the pace, else down {e.down}" for e in loop)
    prompt = (f"A dial runs from 00 to 99 and wraps around. Rules: {rules}. The dial shows {dial:02d}, the pace is {pace:02d}. "
              f"Do {operations} operations. Operation n turns the dial up by n, adds the dial to the pace, keeps two digits, "
              f"and goes {rounds} times through: {moves}. Last add the dial to the pace again. What is the pace?")

    lines = ["Table first.\n", *(e.row() for e in table), "Now the dial.\n"]
    for n in range(1, operations + 1):
        dial = (dial + n) % 100
        pace = (pace + dial) % 100
        parts = [f"{n}. at {dial:02d} pace {pace:02d}:"]
        for e in loop * rounds:
            way, dial = e.move(dial, pace)
            parts.append(f" {e.name}{way}{dial:02d}")
        lines.append("".join(parts) + ".\n")
    pace = (pace + dial) % 100
    return prompt, [(s, True) for s in lines], f"The pace is {pace:02d}.", pace, operations


def loop_names(prompt):
    """The names of the entries in the loop of a program's prompt."""
    return [part.split()[0] for part in prompt.split("below ")[1:]]


def draw_operations(rng):
    """20 to 60, mostly many: long outputs are what a compressed cache is for."""
    return LAST_OPERATIONS - int((LAST_OPERATIONS - FIRST_OPERATIONS + 1) * rng.random() ** 6)
