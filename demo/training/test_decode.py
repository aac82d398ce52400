"""The decoder against a direct implementation: one sequence, lists of rows, no buffers. usage: test_decode.py"""
import unittest

import torch

import model as m
from decode import POOL, Decoder, Policy, pooled_scores

END = -1                                    # never chosen


def sharp_net(seed):
    """Random weights, large enough that attention has favourites and no two logits are close."""
    torch.manual_seed(seed)
    net = m.Net()
    with torch.no_grad():
        for b in net.blocks:
            b.q.weight.mul_(12)
            b.k.weight.mul_(12)
            b.o.weight.mul_(8)
    return net.eval()


class Direct:
    """Greedy decoding of one sequence; `positions[layer]` are the true positions of the rows that are left."""

    def __init__(self, net, policy):
        self.net, self.policy = net, policy
        self.rows = [[] for _ in range(m.LAYERS)]           # (position, key [KV, d], value [KV, d])
        self.queries = [[] for _ in range(m.LAYERS)]
        self.attended = []

    def feed(self, token, position):
        cos, sin = m.rotation(torch.tensor([position]))
        x = self.net.embed(torch.tensor([[token]]))
        for layer, b in enumerate(self.net.blocks):
            q, k, v = b.qkv(x, cos, sin)
            self.rows[layer].append((position, k[0, :, 0], v[0, :, 0]))
            self.queries[layer].append(q[0, :, 0])
            keys = torch.stack([r[1] for r in self.rows[layer]], 1)
            values = torch.stack([r[2] for r in self.rows[layer]], 1)
            heads = []
            for h in range(m.HEADS):
                kv = h * m.KV_HEADS // m.HEADS
                heads.append((keys[kv] @ q[0, h, 0] / m.HEAD_DIM ** 0.5).softmax(0) @ values[kv])
            x = b.mlp(x + b.o(torch.cat(heads))[None, None])
        return self.net.logits(x)[0, 0].argmax().item()

    def compress(self, prompt, number):
        P, R, T = self.policy.P, self.policy.R, self.policy.kept
        for layer, rows in enumerate(self.rows):
            candidates = rows[prompt:-R]
            score = torch.zeros(len(candidates))
            for q in self.queries[layer][-R:]:
                for h in range(m.HEADS):
                    keys = torch.stack([r[1][h * m.KV_HEADS // m.HEADS] for r in candidates])
                    score += (keys @ q[h] / m.HEAD_DIM ** 0.5).softmax(0) / m.HEADS
            if self.policy.name == "newest":
                order = list(range(len(candidates)))[::-1]
            else:
                padded = [0.0] * (POOL // 2) + score.tolist() + [0.0] * (POOL // 2)
                pooled = [sum(padded[j:j + POOL]) / POOL for j in range(len(candidates))]
                order = sorted(range(len(candidates)), key=lambda j: (-pooled[j], j))
            rows[prompt:-R] = [candidates[j] for j in sorted(order[:number * T])]

    def generate(self, prompt, most):
        for i, token in enumerate(prompt):
            nxt = self.feed(token, i)
        out, done = [nxt], 0
        for step in range(1, most):
            out.append(self.feed(out[-1], len(prompt) + step - 1))
            self.attended.append(len(self.rows[0]))
            if self.policy.name != "full" and len(self.rows[0]) == (
                    len(prompt) + done * self.policy.kept + self.policy.P + self.policy.R):
                done += 1
                self.compress(len(prompt), done)
        return out


class TestDecode(unittest.TestCase):
    PROMPTS = [[5, 9, 77, 300], [8, 8, 1200, 33, 34, 35, 900, 2], [400]]

    @torch.no_grad()
    def compare(self, policy, most=100):
        net = sharp_net(1)
        decoder = Decoder(net, len(self.PROMPTS), 200, 64, END)
        outputs = decoder.generate(self.PROMPTS, policy, most)
        longest = max(map(len, self.PROMPTS))
        for lane, prompt in enumerate(self.PROMPTS):
            direct = Direct(net, policy)
            self.assertEqual(direct.generate(prompt, most), outputs[lane])
            left = len(direct.rows[0]) - len(prompt)
            for layer in range(m.LAYERS):
                self.assertEqual([r[0] for r in direct.rows[layer][len(prompt):]],
                                 decoder.positions[layer, lane, longest:longest + left].tolist())
            self.assertAlmostEqual(sum(direct.attended) / len(direct.attended),
                                   policy.mean_rows(len(prompt), most - 1))
        return outputs

    def test_rpc_keeps_the_rows_that_the_direct_implementation_keeps(self):
        self.compare(Policy("rpc", 24, 8, 4))

    def test_newest_keeps_the_newest_rows(self):
        self.compare(Policy("newest", 24, 8, 4))

    def test_full_and_a_period_longer_than_the_output_are_the_same(self):
        self.assertEqual(self.compare(Policy("full"), 60), self.compare(Policy("rpc", 100, 8, 4), 60))

    def test_random_keeps_the_budget_and_the_newest_rows(self):
        policy = Policy("random", 24, 8, 4)
        decoder = Decoder(sharp_net(1), 1, 200, 64, END)
        decoder.generate([[5, 9, 77]], policy, 33)          # the last step, 32 = P + R, compresses
        for layer in range(m.LAYERS):
            at = decoder.positions[layer, 0, 3:3 + 6 + 8].tolist()
            self.assertEqual(sorted(set(at)), at)
            self.assertEqual(list(range(27, 35)), at[6:])

    def test_scores_of_the_worked_example(self):
        queries, keys = torch.zeros(1, 4, 2, 64), torch.zeros(1, 2, 8, 64)
        logits = {0: [[0, 1, 2, 0, 0, 1, 3, 0], [1, 0, 2, 0, 0, 0, 2, 1]],
                  1: [[2, 0, 0, 0, 1, 0, 1, 0], [2, 0, 0, 1, 0, 0, 1, 2]]}
        for kv in range(2):                                 # row i of the queries picks column i of the keys
            for h in range(2):
                for r in range(2):
                    queries[0, 2 * kv + h, r, 2 * h + r] = 8
                    keys[0, kv, :, 2 * h + r] = torch.tensor(logits[h][r]).float()
        expected = torch.tensor([0.1365, 0.1552, 0.1704, 0.2500, 0.2244, 0.2092, 0.1661, 0.1492])
        self.assertTrue(torch.allclose(pooled_scores(queries, keys)[0], expected, atol=6e-5))


if __name__ == "__main__":
    unittest.main()
