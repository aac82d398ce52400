"""Training batches: worker processes draw problems, encode them and put them together by length."""
import multiprocessing
import random

import numpy as np

from bpe import Codec
from problems import FAMILIES, draw_for_training

# Rows of a batch for each length, so that each batch takes about the same time: attention costs more for long rows.
ROWS = {512: 232, 1024: 102, 2048: 41, 3072: 22, 3584: 18, 4096: 14}


def document(codec, problem):
    """(ids, learn) of a whole document."""
    ids, learn = [], []
    for text, taught in problem.segments():
        e = codec.encode(text)
        ids += e
        learn += [taught] * len(e)
    return ids, learn


def batches(seed, scale):
    """Endless (ids int16 [rows, length + 1], learn bool alike, family int64 [rows]); short rows end in zeros unlearnt."""
    codec, rng = Codec.load(), random.Random(seed)
    rows = {length: max(1, round(n * scale)) for length, n in ROWS.items()}
    waiting = {length: [] for length in ROWS}
    while True:
        problem = draw_for_training(rng)
        ids, learn = document(codec, problem)
        length = next((n for n in ROWS if len(ids) <= n + 1), None)
        if length is None:
            continue
        held = waiting[length]
        held.append((ids, learn, FAMILIES.index(problem.family)))
        if len(held) == rows[length]:
            x = np.zeros((len(held), length + 1), np.int16)
            m = np.zeros((len(held), length + 1), np.bool_)
            for i, (ids, learn, _) in enumerate(held):
                x[i, :len(ids)] = ids
                m[i, :len(ids)] = learn
            waiting[length] = []
            yield x, m, np.array([f for _, _, f in held], np.int64)


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
