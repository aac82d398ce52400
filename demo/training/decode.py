"""Batched greedy decoding of the demo model with a full or a compressed cache, in static buffers.

All lanes of a batch are at the same decode step k, so that they compress together: policy `rpc` at the steps N*P + R, as
in Reasoning Path Compression (paper selectors, aggregation over all heads, average pooling 7, divisor always 7, lower
index first among equals). The rivals have exactly its budget and its newest R rows: `newest` keeps the newest candidates,
`random` any. The prompt is always kept.

Buffers hold a left-padded prompt, then what was generated. A step works on a prefix of the buffers, rounded up to VIEW
rows, and on CUDA each prefix length is captured once as a graph.
"""
from typing import NamedTuple

import torch
import torch.nn.functional as F

import model as m

VIEW = 256
POOL = 7
GROUP = m.HEADS // m.KV_HEADS


class Policy(NamedTuple):
    """How a cache is compressed: P tokens between two compressions, R newest rows and selectors, c the ratio."""
    name: str                       # full, rpc, newest or random
    P: int = 0
    R: int = 1
    c: float = 1

    @property
    def kept(self):
        """T, the rows by which the budget grows at each compression."""
        return int(self.P / self.c)

    def __str__(self):
        return self.name if self.name == "full" else f"{self.name} P={self.P} R={self.R} c={self.c:g}"

    def compressions(self, step):
        """Compressions done after that decode step."""
        return 0 if self.name == "full" else max(0, (step - self.R) // self.P)

    def mean_rows(self, prompt, steps):
        """Mean of the rows attended to over decode steps 1 to `steps`."""
        dropped = sum((self.P - self.kept) * self.compressions(k - 1) for k in range(1, steps + 1))
        return prompt + (steps + 1) / 2 - dropped / max(steps, 1)


def pooled_scores(queries, keys):
    """[lanes, candidates], from queries [lanes, HEADS, R, d] and keys [lanes, KV_HEADS, candidates, d]."""
    n, _, r, d = queries.shape
    q = queries.float().reshape(n, m.KV_HEADS, GROUP * r, d)
    z = q @ keys.float().transpose(2, 3) * d ** -0.5
    s = z.softmax(-1).sum(2).sum(1, keepdim=True) / m.HEADS
    return F.avg_pool1d(s, POOL, 1, POOL // 2, count_include_pad=True)[:, 0]


class Decoder:
    """Buffers for `lanes` sequences of at most `rows` rows; `generate` may be called any number of times."""

    def __init__(self, net, lanes, rows, most_selectors, end, eager=False):
        self.net, self.lanes, self.rows, self.end = net, lanes, -(-rows // VIEW) * VIEW, end
        self.device, self.dtype = net.embed.weight.device, net.embed.weight.dtype
        self.graphs = None if eager or self.device.type != "cuda" else {}

        def zeros(*shape, dtype=self.dtype):
            return torch.zeros(*shape, device=self.device, dtype=dtype)
        self.keys = zeros(m.LAYERS, lanes, m.KV_HEADS, self.rows, m.HEAD_DIM)
        self.values = torch.zeros_like(self.keys)
        self.positions = zeros(m.LAYERS, lanes, self.rows, dtype=torch.long)
        self.queries = zeros(m.LAYERS, lanes, m.HEADS, most_selectors, m.HEAD_DIM)
        self.bias = zeros(lanes, 1, 1, self.rows, dtype=torch.float32)
        self.output = zeros(lanes, self.rows, dtype=torch.long)
        self.token = zeros(lanes, 1, dtype=torch.long)
        self.position = zeros(lanes, 1, dtype=torch.long)
        self.counters = zeros(4, dtype=torch.long)      # row to write, decode step, selectors, output index

    def _prefill(self, prompts):
        """Fills the buffers with the prompts' rows and chooses O_1; returns the padded length."""
        longest = max(map(len, prompts))
        ids = torch.zeros(self.lanes, longest, dtype=torch.long)
        real = torch.zeros(self.lanes, longest, dtype=torch.bool)
        for i, p in enumerate(prompts):
            ids[i, longest - len(p):] = torch.tensor(p)
            real[i, longest - len(p):] = True
        ids, real = ids.to(self.device), real.to(self.device)
        at = (real.cumsum(-1) - 1).clamp(min=0)
        seen = torch.ones(longest, longest, dtype=torch.bool, device=self.device).tril() & real[:, None, None]
        seen = seen | torch.eye(longest, dtype=torch.bool, device=self.device)
        cos, sin = m.rotation(at[:, None])
        x = self.net.embed(ids)
        for layer, b in enumerate(self.net.blocks):
            q, k, v = b.qkv(x, cos, sin)
            self.keys[layer, :, :, :longest], self.values[layer, :, :, :longest] = k, v
            z = (q.float() @ k.repeat_interleave(GROUP, 1).float().transpose(2, 3)) * m.HEAD_DIM ** -0.5
            a = z.masked_fill(~seen, float("-inf")).softmax(-1).to(x.dtype)
            y = a @ v.repeat_interleave(GROUP, 1)
            x = b.mlp(x + b.o(y.transpose(1, 2).reshape(self.lanes, longest, -1)))
        self.positions[:, :, :longest] = at
        self.bias.fill_(float("-inf"))
        self.bias[:, 0, 0, :longest].masked_fill_(real, 0)
        self.token.copy_(self.net.logits(x[:, -1:]).argmax(-1))
        self.position.copy_(at[:, -1:])
        self.output.zero_()
        self.output[:, :1] = self.token
        return longest

    def _step(self, view):
        """Feeds the chosen token of each lane and chooses the next, over the first `view` rows of the buffers."""
        row, step, selectors, index = self.counters.split(1)
        step.add_(1)
        self.position.add_(1)
        self.bias.index_fill_(3, row, 0)
        self.positions.index_copy_(2, row, self.position.expand(m.LAYERS, -1, -1).contiguous())
        cos, sin = m.rotation(self.position[:, None])
        slot = step.remainder(selectors)
        x = self.net.embed(self.token)
        for layer, b in enumerate(self.net.blocks):
            q, k, v = b.qkv(x, cos, sin)
            self.keys[layer].index_copy_(2, row, k)
            self.values[layer].index_copy_(2, row, v)
            self.queries[layer].index_copy_(2, slot, q)
            q = q.reshape(self.lanes, m.KV_HEADS, GROUP, m.HEAD_DIM)
            z = (q @ self.keys[layer, :, :, :view].transpose(2, 3)).float() * m.HEAD_DIM ** -0.5
            a = (z + self.bias[..., :view]).softmax(-1).to(x.dtype)
            y = (a @ self.values[layer, :, :, :view]).view(self.lanes, 1, -1)
            x = b.mlp(x + b.o(y))
        self.token.copy_(self.net.logits(x).argmax(-1))
        self.output.index_copy_(1, index, self.token)
        row.add_(1)
        index.add_(1)

    def _run(self, view):
        if self.graphs is None:
            self._step(view)
        elif view in self.graphs:
            self.graphs[view].replay()
        else:                                           # the first step of a view runs plainly, the second is captured
            if ("warm", view) in self.graphs:
                torch.cuda.synchronize()
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    self._step(view)
                self.graphs[view] = graph
                graph.replay()
            else:
                self.graphs["warm", view] = True
                self._step(view)

    def _compress(self, policy, number, prompt, row, generator):
        """Compression `number`; the buffers hold `row` rows. Returns the rows that are left."""
        first, last, keep = prompt, row - policy.R, number * policy.kept
        for layer in range(m.LAYERS):
            if policy.name == "rpc":
                scores = pooled_scores(self.queries[layer, :, :, :policy.R], self.keys[layer, :, :, first:last])
            elif policy.name == "random":
                scores = torch.rand(self.lanes, last - first, device=self.device, generator=generator)
            else:
                scores = torch.arange(last - first, device=self.device).expand(self.lanes, -1).float()
            chosen = scores.sort(dim=-1, descending=True, stable=True).indices[:, :keep].sort(-1).values + first
            chosen = torch.cat([chosen, torch.arange(last, row, device=self.device).expand(self.lanes, -1)], 1)
            self.positions[layer, :, first:first + keep + policy.R] = self.positions[layer].gather(1, chosen)
            wide = chosen[:, None, :, None].expand(-1, m.KV_HEADS, -1, m.HEAD_DIM)
            for buffer in (self.keys[layer], self.values[layer]):
                buffer[:, :, first:first + keep + policy.R] = buffer.gather(2, wide)
        left = first + keep + policy.R
        self.bias[..., left:] = float("-inf")
        self.counters[0] = left
        return left

    @torch.no_grad()
    def generate(self, prompts, policy, most, seed=0, at_compression=None):
        """The output ids of each prompt, the stop token included, at most `most` of them.

        `at_compression(number, first, last)` is called after each compression with the range of the generated rows.
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        lanes = len(prompts)
        prompt = self._prefill(prompts + prompts[:1] * (self.lanes - lanes))
        selectors = min(policy.R, self.queries.shape[3])
        self.counters.copy_(torch.tensor([prompt, 0, selectors, 1]))
        row, step = prompt, 0
        for step in range(1, most):
            self._run(min(self.rows, -(-(row + 1) // VIEW) * VIEW))
            row += 1
            number = policy.compressions(step)
            if number > policy.compressions(step - 1):
                row = self._compress(policy, number, prompt, row, generator)
                if at_compression:
                    at_compression(number, prompt, row)
            if step % 64 == 0 and bool((self.output[:, :step + 1] == self.end).any(1).all()):
                break
        outputs = []
        for ids in self.output[:lanes, :step + 1].tolist():
            outputs.append(ids[:ids.index(self.end) + 1] if self.end in ids else ids)
        return outputs
