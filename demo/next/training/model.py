"""The demo model as plain PyTorch, in the Qwen2 architecture (pre-norm, rotary, grouped queries, gated MLP, tied)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY, WIDTH, LAYERS, HEADS, KV_HEADS, HIDDEN, CONTEXT = 2048, 256, 8, 4, 2, 768, 8192
HEAD_DIM, THETA, EPSILON = WIDTH // HEADS, 10000.0, 1e-6


def rotation(positions):
    """(cos, sin) of the rotary angles, [*positions, HEAD_DIM], float32."""
    inverse = 1.0 / THETA ** (torch.arange(0, HEAD_DIM, 2, device=positions.device).float() / HEAD_DIM)
    angles = positions[..., None].float() * inverse
    return torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)


def rotate(x, cos, sin):
    half = HEAD_DIM // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], -1)
    return (x.float() * cos + turned.float() * sin).to(x.dtype)


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        f = x.float()
        return (f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + EPSILON)).to(x.dtype) * self.weight.to(x.dtype)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = Norm(WIDTH), Norm(WIDTH)
        self.q = nn.Linear(WIDTH, HEADS * HEAD_DIM)
        self.k = nn.Linear(WIDTH, KV_HEADS * HEAD_DIM)
        self.v = nn.Linear(WIDTH, KV_HEADS * HEAD_DIM)
        self.o = nn.Linear(HEADS * HEAD_DIM, WIDTH, bias=False)
        self.gate, self.up = nn.Linear(WIDTH, HIDDEN, bias=False), nn.Linear(WIDTH, HIDDEN, bias=False)
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def qkv(self, x, cos, sin):
        """Rotated queries [b, HEADS, t, HEAD_DIM], rotated keys and values [b, KV_HEADS, t, HEAD_DIM]."""
        b, t, _ = x.shape
        x = self.n1(x)
        q = self.q(x).view(b, t, HEADS, HEAD_DIM).transpose(1, 2)
        k = self.k(x).view(b, t, KV_HEADS, HEAD_DIM).transpose(1, 2)
        v = self.v(x).view(b, t, KV_HEADS, HEAD_DIM).transpose(1, 2)
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def mlp(self, x):
        y = self.n2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q, k, v = self.qkv(x, cos, sin)
        k, v = k.repeat_interleave(HEADS // KV_HEADS, 1), v.repeat_interleave(HEADS // KV_HEADS, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, -1))
        return self.mlp(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = Norm(WIDTH)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                into_stream = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (2 * LAYERS) ** 0.5 if into_stream else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def hidden(self, ids, positions):
        """The last block's output [b, t, WIDTH], from ids and their positions [b, t]."""
        cos, sin = rotation(positions[:, None])
        x = self.embed(ids)
        for b in self.blocks:
            x = b(x, cos, sin)
        return x

    def logits(self, x):
        h = self.norm(x)
        return F.linear(h, self.embed.weight.to(h.dtype)).float()

    def token_losses(self, x, targets):
        """Cross entropy of each target, [b * t], from the last block's output x [b, t, WIDTH]."""
        return F.cross_entropy(self.logits(x).flatten(0, 1), targets.flatten(), reduction="none")
