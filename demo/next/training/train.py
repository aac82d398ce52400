"""Trains the demo model on problems.py's worked traces, on one GPU or, under torchrun, on several.

usage: train.py --state FILE --model DIR --call SECONDS --total SECONDS [--workers N] [--scale X] [--rate X] [--eager]

--call is the wall time of this call, --total the training time of all calls, over which the learning rate falls along a
cosine; with 0 this call is the last, and the rate has fallen when its time is over. The call goes on from FILE where it
exists, writes it every --save seconds and at its end, and exports the model to DIR then. Each GPU trains on its own batches;
the gradients are averaged after each step.
"""
import argparse
import contextlib
import math
import os
import time

BEGAN = time.time()

import data                                 # before torch: the workers are forked while the process is small
from problems import FAMILIES

SYNC_STEPS = 10                             # the clock of the first process decides, this often
LOG_STEPS = 100


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--state", required=True, help="file to go on from and to write")
    p.add_argument("--model", required=True, help="directory for the exported model")
    p.add_argument("--call", type=float, required=True, help="seconds of this call, start and end included")
    p.add_argument("--total", type=float, required=True, help="seconds of training in all calls, starts left out; 0: this call is the last")
    p.add_argument("--workers", type=int, default=8, help="processes that make batches, for each GPU")
    p.add_argument("--scale", type=float, help="rows of a batch, in units of data.ROWS (default 1.75 on one GPU, else 1)")
    p.add_argument("--rate", type=float, default=2.5e-3, help="highest learning rate")
    p.add_argument("--warmup", type=int, default=300, help="steps until the highest learning rate")
    p.add_argument("--save", type=float, default=120, help="seconds between two writings of the state")
    p.add_argument("--eager", action="store_true", help="do not compile")
    return p.parse_args()


def calls_before(state):
    """How many calls wrote the state; kept beside it, so that it is known before torch is."""
    if not os.path.exists(state):
        return 0
    with open(state + ".calls", encoding="ascii") as f:
        return int(f.read())


class Trainer:
    def __init__(self, args, rank, world, device):
        import torch
        from model import Net
        self.args, self.rank, self.world, self.device, self.torch = args, rank, world, device, torch
        torch.manual_seed(0)
        torch.set_float32_matmul_precision("high")
        self.net = Net().to(device)
        matrices = [p for p in self.net.parameters() if p.dim() == 2]
        others = [p for p in self.net.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
            lr=args.rate, betas=(0.9, 0.95), eps=1e-8, **({"fused": True} if device.type == "cuda" else {}))
        self.parameters = matrices + others
        self.spent, self.step, self.tokens, self.calls = 0.0, 0, 0, 0
        self.resume()
        # One flat gradient, so that averaging over the GPUs is one operation.
        self.gradient = torch.zeros(sum(p.numel() for p in self.parameters), device=device)
        at = 0
        for p in self.parameters:
            p.grad = self.gradient[at:at + p.numel()].view_as(p)
            at += p.numel()
        self.losses = self.token_losses
        if not args.eager:
            torch._dynamo.config.recompile_limit = 64
            for b in self.net.blocks:
                b.compile(dynamic=False)
            self.losses = torch.compile(self.token_losses, dynamic=False)

    def resume(self):
        if os.path.exists(self.args.state):
            found = self.torch.load(self.args.state, map_location=self.device)
            self.net.load_state_dict(found["net"])
            self.optimizer.load_state_dict(found["optimizer"])
            self.spent, self.step, self.tokens, self.calls = (found[k] for k in ("spent", "step", "tokens", "calls"))

    def save(self, seconds):
        """Writes the state and the model, from the first process."""
        if self.rank == 0:
            import export
            found = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "spent": self.spent + seconds,
                     "step": self.step, "tokens": self.tokens, "calls": self.calls + 1}
            self.torch.save(found, self.args.state + ".new")
            with open(self.args.state + ".calls", "w", encoding="ascii") as f:
                f.write(str(self.calls + 1))
            os.replace(self.args.state + ".new", self.args.state)
            export.export(found["net"], self.args.model)

    def token_losses(self, x, targets):
        return self.net.token_losses(x, targets)

    def autocast(self):
        return self.torch.autocast(self.device.type, self.torch.bfloat16)

    def on_device(self, batch):
        x, learn, positions, family = (self.torch.from_numpy(a).to(self.device, non_blocking=True) for a in batch)
        return x.long(), learn[:, 1:].flatten().float(), positions[:, :-1].long(), family

    def backward(self, x, learn, positions):
        with self.autocast():
            losses = self.losses(self.net.hidden(x[:, :-1], positions), x[:, 1:])
        ((losses * learn).sum() / learn.sum().clamp(min=1)).backward()

    def warm_up(self):
        """Compiles for every length before the clock of the training starts."""
        for length, rows in data.ROWS.items():
            x = self.torch.zeros(max(1, round(rows * self.args.scale)), length + 1, dtype=self.torch.long, device=self.device)
            positions = self.torch.arange(length, device=self.device).repeat(len(x), 1)
            self.backward(x, self.torch.ones(x[:, 1:].numel(), device=self.device), positions)
        self.gradient.zero_()

    def update(self, fraction):
        if self.world > 1:
            self.torch.distributed.all_reduce(self.gradient)
            self.gradient /= self.world
        rate = self.args.rate * min(1, (self.step + 1) / self.args.warmup)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(fraction, 1)))
        for g in self.optimizer.param_groups:
            g["lr"] = rate
        norm = self.gradient.norm()
        self.gradient /= norm.clamp(min=1)
        self.optimizer.step()
        self.gradient.zero_()
        self.step += 1
        return rate, norm

    def judge(self, x, learn, positions, family, kept):
        """Loss and share of faultless documents on a batch not yet trained on, by family, as running means in `kept`."""
        torch = self.torch
        eagerly = contextlib.nullcontext() if self.args.eager else torch.compiler.set_stance("force_eager")
        with eagerly, torch.no_grad(), self.autocast():
            rows = max(1, 32768 // x.shape[1])
            x, positions, family = x[:rows], positions[:rows], family[:rows]
            learn = learn.view(-1, x.shape[1] - 1)[:rows]
            logits = self.net.logits(self.net.hidden(x[:, :-1], positions))
            losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten(), reduction="none")
            losses = (losses.view_as(learn) * learn).sum(1) / learn.sum(1)
            right = ((logits.argmax(-1) == x[:, 1:]) | (learn == 0)).all(1).float()
        for i, name in enumerate(FAMILIES):
            mine = family == i
            if bool(mine.any()):
                new = torch.stack([losses[mine].mean(), right[mine].mean()]).tolist()
                old = kept.get(name, new)
                kept[name] = [0.7 * a + 0.3 * b for a, b in zip(old, new)]

    def agreed(self, seconds):
        """The first process's seconds."""
        if self.world == 1:
            return seconds
        t = self.torch.tensor([seconds], dtype=self.torch.float64, device=self.device)
        self.torch.distributed.broadcast(t, 0)
        return t.item()

    def train(self, feed):
        began = time.time()
        last, saved, logged, seen, kept, rate, norm = 0.0, 0.0, began, self.tokens, {}, 0.0, None
        end = self.agreed(self.args.call - (began - BEGAN) - 8)     # leaves time to write
        total = self.args.total or self.spent + end
        while True:
            if self.step % SYNC_STEPS == 0:
                last = self.agreed(time.time() - began)
                if last > end or self.spent + last > total:
                    break
                if last - saved > self.args.save:
                    saved = last
                    self.save(last)
            x, learn, positions, family = self.on_device(feed.get())
            if self.rank == 0 and self.step % LOG_STEPS == 0:
                self.judge(x, learn, positions, family, kept)
            self.backward(x, learn, positions)
            rate, norm = self.update((self.spent + last) / total)
            self.tokens += x[:, 1:].numel() * self.world
            if self.rank == 0 and self.step % LOG_STEPS == 0:
                now = time.time()
                families = ", ".join(f"{n} {a:.4f} {b:.1%}" for n, (a, b) in sorted(kept.items()))
                print(f"{now - BEGAN:.0f} s: step {self.step}, {self.tokens / 1e6:.0f} M tokens, "
                      f"{(self.tokens - seen) / (now - logged) / 1e6:.2f} M/s, rate {rate:.5f}, norm {norm.item():.2f}, "
                      f"batches waiting {feed.waiting()}; loss and faultless: {families}", flush=True)
                logged, seen = now, self.tokens
        self.save(last)
        if self.rank == 0:
            print(f"{time.time() - BEGAN:.0f} s: written after {self.step} steps, {self.tokens / 1e6:.0f} M tokens, "
                  f"{self.spent + last:.0f} s of training in all", flush=True)


def main():
    args = arguments()
    rank, world, local = (int(os.environ.get(k, d)) for k, d in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    args.scale = args.scale or (1.75 if world == 1 else 1.0)
    calls = calls_before(args.state)
    feed = data.Feed(f"call {calls} gpu {rank}", args.workers, args.scale)
    import torch
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if world > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    trainer = Trainer(args, rank, world, device)
    if rank == 0:
        print(f"{time.time() - BEGAN:.0f} s: {sum(p.numel() for p in trainer.parameters)} parameters on {world} {device.type}, "
              f"going on from step {trainer.step}", flush=True)
    if not args.eager:
        trainer.warm_up()
        if rank == 0:
            print(f"{time.time() - BEGAN:.0f} s: compiled", flush=True)
    trainer.train(feed)
    feed.stop()
    if world > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
