"""Training batches: worker processes draw problems, encode them and put them together by length.

Most programs are trained on as excerpts: the prompt, the table, perhaps an operation or two, then nothing until a few
operations further on, all at the positions that they have in the whole document. So the model learns to work from the
table and the newest lines, which is what a compressed cache holds, and a batch has more documents: programs are ten times
as long as the other families.
"""
import multiprocessing
import random

import numpy as np

from bpe import Codec
from problems import FAMILIES, draw_for_training

# Rows of a batch for each length, so that each batch takes about the same time: attention costs more for long rows.
EXCERPTS = 0.75                             # share of the programs
MOST_EARLY, MOST_LATE = 3, 12               # operations of an excerpt before and after what is left out
ROWS = {512: 232, 1024: 102, 2048: 41, 3072: 22, 3584: 18, 4096: 14}


def document(codec, problem):
    """(ids, learn, positions) of a whole document."""
    ids, learn = [], []
    for text, taught in problem.segments():
        e = codec.encode(text)
        ids += e
        learn += [taught] * len(e)
    return ids, learn, list(range(len(ids)))


def excerpt(codec, rng, ids, learn, positions):
    """The document without a stretch of whole operations, and perhaps without its end.

    The first line after the gap follows from lines that are not there: it is read and not learnt.
    """
    ends = [i + 1 for i, text in enumerate(codec.decode([t]) for t in ids) if text.endswith("\n")]
    dial = next(n for n, end in enumerate(ends) if codec.decode(ids[:end]).endswith("Now the dial.\n"))
    lines = ends[dial:]                     # where operations begin; the last entry is where the closing begins
    operations = len(lines) - 2             # "</think>" and the empty line after it are no operation
    early = rng.randint(0, MOST_EARLY)
    late = rng.randint(2, MOST_LATE)
    if operations < early + late + 1:
        return ids, learn, positions
    # As often as not the excerpt runs to the end, so that closings are learnt too.
    start = operations - late if rng.random() < 0.5 else rng.randint(early + 1, operations - late)
    stop = len(ids) if start + late == operations else lines[start + late]
    unlearnt = lines[start + 1] - lines[start]
    head, tail = slice(0, lines[early]), slice(lines[start], stop)
    return (ids[head] + ids[tail], learn[head] + [False] * unlearnt + learn[tail][unlearnt:],
            positions[head] + positions[tail])


def batches(seed, scale):
    """Endless (ids int16 [rows, length + 1], learn bool and positions int16 alike, family int64 [rows]).

    Short rows end in zeros unlearnt, at positions that go on.
    """
    codec, rng = Codec.load(), random.Random(seed)
    rows = {length: max(1, round(n * scale)) for length, n in ROWS.items()}
    waiting = {length: [] for length in ROWS}
    while True:
        problem = draw_for_training(rng)
        found = document(codec, problem)
        if problem.family == "program" and rng.random() < EXCERPTS:
            found = excerpt(codec, rng, *found)
        ids, learn, positions = found
        length = next((n for n in ROWS if len(ids) <= n + 1), None)
        if length is None:
            continue
        held = waiting[length]
        held.append((ids, learn, positions, FAMILIES.index(problem.family)))
        if len(held) == rows[length]:
            x = np.zeros((len(held), length + 1), np.int16)
            m = np.zeros((len(held), length + 1), np.bool_)
            at = np.zeros((len(held), length + 1), np.int16)
            for i, (ids, learn, positions, _) in enumerate(held):
                n = len(ids)
                x[i, :n] = ids
                m[i, :n] = learn
                at[i, :n] = positions
                at[i, n:] = np.arange(positions[-1] + 1, positions[-1] + 2 + length - n)
            waiting[length] = []
            yield x, m, at, np.array([f for _, _, _, f in held], np.int64)


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
