"""Excerpts are pieces of their documents, at the documents' positions. usage: test_data.py"""
import random
import unittest

from bpe import Codec
from data import ROW_END, batches, document, excerpt
from problems import draw


class ExcerptTest(unittest.TestCase):
    codec = Codec.load()

    def excerpts(self, count):
        rng = random.Random(11)
        for _ in range(count):
            whole, lines = document(self.codec, draw(rng, "program"))
            yield whole, lines, excerpt(rng, whole, lines)

    def test_lines_begin_where_the_text_says(self):
        for whole, lines, _ in self.excerpts(5):
            self.assertTrue(self.codec.decode(whole.ids[lines.starts[0]:]).startswith("Table first.\n"))
            self.assertTrue(self.codec.decode(whole.ids[lines.starts[lines.operations]:]).startswith("1. at "))
            self.assertTrue(self.codec.decode(whole.ids[lines.starts[-1]:]).startswith("</think>"))

    def test_tokens_stand_where_they_stand_in_the_document(self):
        for whole, _, some in self.excerpts(60):
            self.assertEqual(len(some.ids), len(some.learn))
            self.assertEqual(some.ids, [whole.ids[p] for p in some.positions])
            self.assertEqual(some.positions, sorted(set(some.positions)))
            self.assertLess(len(some.ids), len(whole.ids))

    def test_what_is_behind_the_gap_is_whole_and_its_first_line_is_not_learnt(self):
        for whole, lines, some in self.excerpts(60):
            first, last = some.old
            self.assertEqual(lines.starts[0], first)
            newest = some.positions[last:]
            self.assertEqual(list(range(newest[0], newest[-1] + 1)), newest)
            self.assertIn(newest[0], lines.starts)
            unlearnt = lines.starts[lines.starts.index(newest[0]) + 1] - newest[0]
            self.assertEqual([False] * unlearnt, some.learn[last:last + unlearnt])
            self.assertEqual(whole.learn[newest[unlearnt]:newest[-1] + 1], some.learn[last + unlearnt:])

    def test_scraps_are_not_learnt_and_whole_lines_are(self):
        scrappy = 0
        for whole, lines, some in self.excerpts(60):
            old = some.positions[:some.old[1]]
            if old == list(range(len(old))):
                self.assertIn(len(old), lines.starts)
                self.assertEqual(whole.learn[:len(old)], some.learn[:len(old)])
            else:
                scrappy += 1
                self.assertFalse(any(some.learn[lines.starts[lines.table]:len(old)]))
        self.assertTrue(15 <= scrappy <= 45, scrappy)

    def test_the_ends_of_the_tables_rows_stay_and_closings_are_seen(self):
        closed = 0
        for _, lines, some in self.excerpts(60):
            kept = set(some.positions)
            for end in lines.starts[lines.table + 1:lines.operations + 1]:
                self.assertTrue(kept.issuperset(range(end - ROW_END, end)))
            closed += self.codec.decode(some.ids).endswith("<|im_end|>")
        self.assertTrue(15 <= closed <= 50, closed)


class BatchTest(unittest.TestCase):
    def test_rows_are_padded_unlearnt_at_positions_that_go_on(self):
        ids, learn, positions, old, family = next(batches("test", 0.02))
        self.assertEqual(ids.shape, learn.shape)
        self.assertEqual(ids.shape, positions.shape)
        self.assertEqual((len(ids), 2), old.shape)
        self.assertEqual(len(ids), len(family))
        for row in range(len(ids)):
            end = max(i for i, token in enumerate(ids[row]) if token) + 1
            self.assertFalse(learn[row, end:].any())
            self.assertTrue((positions[row, 1:] > positions[row, :-1]).all())
            self.assertLessEqual(old[row, 1], end)


if __name__ == "__main__":
    unittest.main()
