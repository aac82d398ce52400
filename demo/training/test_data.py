"""Excerpts are pieces of their documents, at the documents' positions. usage: test_data.py"""
import random
import unittest

from bpe import Codec
from data import document, excerpt
from problems import draw


class ExcerptTest(unittest.TestCase):
    codec = Codec.load()

    def excerpts(self, count):
        rng = random.Random(11)
        for _ in range(count):
            whole = document(self.codec, draw(rng, "program"))
            yield whole, excerpt(self.codec, rng, *whole)

    def test_tokens_stand_where_they_stand_in_the_document(self):
        for (ids, _, _), (some, learn, positions) in self.excerpts(40):
            self.assertEqual(len(some), len(learn))
            self.assertEqual(some, [ids[p] for p in positions])
            self.assertEqual(positions, sorted(set(positions)))

    def test_one_gap_between_whole_lines_and_the_line_after_it_is_not_learnt(self):
        for (ids, taught, _), (some, learn, positions) in self.excerpts(40):
            gaps = [i for i in range(1, len(positions)) if positions[i] != positions[i - 1] + 1]
            self.assertEqual(1, len(gaps))
            gap = gaps[0]
            after = self.codec.decode(some[gap:])
            skipped = [t for t, learnt in zip(some[gap:], learn[gap:]) if not learnt]
            self.assertEqual(after[:after.index("\n") + 1], self.codec.decode(skipped))
            self.assertTrue(self.codec.decode(some[:gap]).endswith("\n"))
            self.assertEqual(learn[:gap], taught[:gap])

    def test_the_table_stays_and_closings_are_seen(self):
        closed = 0
        for (ids, _, _), (some, _, _) in self.excerpts(40):
            text = self.codec.decode(some)
            self.assertIn("Now the dial.\n", text)
            closed += text.endswith("<|im_end|>")
        self.assertTrue(10 <= closed <= 36, closed)


if __name__ == "__main__":
    unittest.main()
