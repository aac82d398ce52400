"""Training batches: worker processes draw problems, encode them and put them together by length.

Most programs are trained on as excerpts: the prompt, the table, something or nothing of the operations before, and the newest
operations, all at the positions that they have in the whole document. So the model learns to work from the table and the
newest lines, which is what a compressed cache holds, and a batch has more documents: programs are ten times as long as the
other families.
"""
import multiprocessing
import random
from typing import NamedTuple

import numpy as np

from bpe import Codec
from problems import FAMILIES, draw_for_training, head, tail

# Rows of a batch for each length, so that each batch takes about the same time: attention costs more for long rows.
ROWS = {512: 232, 768: 144, 1024: 102, 2048: 41, 3072: 22, 3584: 18, 4096: 14}
EXCERPTS = 0.75                             # share of the programs
MOST_EARLY, MOST_LATE = 3, 12               # operations of an excerpt before and after what is left out
RUN, MOST_SCRAPS = 12, 360                  # tokens: longest piece of old operations, and all of them
ROW_END = 6                                 # tokens: an entry's name, its value and what ends the row


class Document(NamedTuple):
    """Tokens, whether each is learnt, their positions, and the range of the generated tokens before an excerpt's newest."""
    ids: list
    learn: list
    positions: list
    old: tuple = (0, 0)


class Lines(NamedTuple):
    """Where the trace's lines begin, the closing's begin last; the first of `table` and of `operations` lines."""
    starts: list
    table: int
    operations: int


def document(codec, problem):
    """(the whole document, its lines where it is a program)."""
    ids = codec.encode(head(problem.prompt))
    learn, starts = [False] * len(ids), []
    for text, taught in problem.trace:
        e = codec.encode(text)
        starts.append(len(ids))
        ids += e
        learn += [taught] * len(e)
    starts.append(len(ids))
    ids += codec.encode(tail(problem.close, problem.value))
    learn += [True] * (len(ids) - len(learn))
    lines = Lines(starts, 1, len(starts) - 1 - problem.steps) if problem.family == "program" else None
    return Document(ids, learn, list(range(len(ids)))), lines


def _scraps(rng, starts, first, last):
    """Pieces of the lines `first` to `last`, as a policy may leave them."""
    kept, at, gap = [], starts[first], RUN / 2 * rng.choice((3, 6, 12, 30))
    while len(kept) < MOST_SCRAPS:
        at += 1 + int(rng.expovariate(1 / gap))
        until = at + rng.randint(1, RUN)
        if until > starts[last]:
            break
        kept += range(at, until)
        at = until
    return kept


def _scraps_of_table(rng, lines):
    """The ends of the table's rows, and some of its other tokens."""
    kept = []
    for start, end in zip(lines.starts[lines.table:lines.operations], lines.starts[lines.table + 1:]):
        kept += [at for at in range(start, end) if at >= end - ROW_END or rng.random() < 0.3]
    return kept


def excerpt(rng, whole, lines):
    """The document without most of the operations before a certain one, and perhaps without its end.

    What is left of them are whole operations at the beginning, or scraps; then the table may be in scraps too. Scraps, and
    the first whole line after a gap, which follows from lines that are not there, are read and not learnt.
    """
    starts, first = lines.starts, lines.operations
    operations = len(starts) - 1 - first
    early, late = rng.randint(0, MOST_EARLY), rng.randint(2, MOST_LATE)
    if operations < early + late + 1:
        return whole
    # As often as not the excerpt runs to the end, so that closings are learnt too.
    start = operations - late if rng.random() < 0.5 else rng.randint(early + 1, operations - late)
    stop = len(whole.ids) if start + late == operations else starts[first + start + late]
    begin, learnt = starts[first + start], starts[first + start + 1]
    if rng.random() < 0.5:
        old, taught = list(range(starts[first + early])), whole.learn[:starts[first + early]]
    else:
        old = list(range(starts[lines.table]))
        taught = whole.learn[:len(old)]
        old += _scraps_of_table(rng, lines) if rng.random() < 0.5 else range(len(old), starts[first])
        old += _scraps(rng, starts, first, first + start)
        taught += [False] * (len(old) - len(taught))
    positions = old + list(range(begin, stop))
    learn = taught + [False] * (learnt - begin) + whole.learn[learnt:stop]
    return Document([whole.ids[at] for at in positions], learn, positions, (starts[0], len(old)))


def batches(seed, scale):
    """Endless (ids int16 [rows, length + 1], learn bool and positions int16 alike, old int16 [rows, 2], family int64 [rows]).

    Short rows end in zeros unlearnt, at positions that go on.
    """
    codec, rng = Codec.load(), random.Random(seed)
    rows = {length: max(1, round(n * scale)) for length, n in ROWS.items()}
    waiting = {length: [] for length in ROWS}
    while True:
        problem = draw_for_training(rng)
        found, lines = document(codec, problem)
        if lines and rng.random() < EXCERPTS:
            found = excerpt(rng, found, lines)
        length = next((n for n in ROWS if len(found.ids) <= n + 1), None)
        if length is None:
            continue
        held = waiting[length]
        held.append((found, FAMILIES.index(problem.family)))
        if len(held) == rows[length]:
            x = np.zeros((len(held), length + 1), np.int16)
            m = np.zeros((len(held), length + 1), np.bool_)
            at = np.zeros((len(held), length + 1), np.int16)
            for i, ((ids, learn, positions, _), _) in enumerate(held):
                n = len(ids)
                x[i, :n] = ids
                m[i, :n] = learn
                at[i, :n] = positions
                at[i, n:] = np.arange(positions[-1] + 1, positions[-1] + 2 + length - n)
            waiting[length] = []
            yield x, m, at, np.array([d.old for d, _ in held], np.int16), np.array([f for _, f in held], np.int64)


def _work(seed, scale, queue):
    for batch in batches(seed, scale):
        queue.put(batch)


class Feed:
    """Batches from `workers` processes. `name` makes their seeds: give each call and each GPU its own."""

    def __init__(self, name, workers, scale):
        context = multiprocessing.get_context("fork")
        self.queue = context.Queue(48)
        self.processes = [context.Process(target=_work, args=(f"train {name} {i}", scale, self.queue), daemon=True)
                          for i in range(workers)]
        for p in self.processes:
            p.start()

    def get(self):
        return self.queue.get()

    def waiting(self):
        return self.queue.qsize()

    def stop(self):
        for p in self.processes:
            p.terminate()
