"""Measures the demo model with a full cache and with compressed ones, greedily, on problems it was not trained on.

usage: evaluate.py MODEL_DIR OUT_DIR [--count N] [--grid P:R:c,...] [--rivals P:R:c,...] [--eager]

Writes OUT_DIR/evaluation.json (every figure, and each problem's outcome) and OUT_DIR/evaluation.md (the table), which it
prints too. The families and policies are shared out among the GPUs.
"""
import argparse
import json
import math
import os
import time
from queue import Empty
from typing import NamedTuple

import torch
import torch.multiprocessing as mp

import export
from bpe import Codec
from data import document
from decode import Decoder, Policy
from problems import FAMILIES, head, sets
from programs import loop_names

NAME, LONG = "evaluation", 1000
PROMPT_ROWS = 256                   # at most
NUMBERS = (1, 2, 3, 4, 6, 8)        # compressions after which the retained rows are looked at
MOST = {"program": 4096, "word": 1280, "expression": 1280}
GRID = ("512:64:5,512:64:6,640:64:7,512:128:6,384:64:5,384:128:6,512:128:8,512:64:8,512:128:10,512:32:6,512:192:8,256:64:5,"
        "256:128:5,512:128:16")
RIVALS = "512:64:5,384:64:5,512:128:8"


class Task(NamedTuple):
    family: str
    policy: Policy


def policies(grid, rivals):
    """Full, RPC at every setting of the grid, and the rivals at some."""
    def read(text):
        for part in filter(None, text.split(",")):
            P, R, c = part.split(":")
            yield int(P), int(R), float(c)
    return ([Policy("full")] + [Policy("rpc", *s) for s in read(grid)]
            + [Policy(name, *s) for s in read(rivals) for name in ("newest", "random")])


def boxed(text):
    """The number in the last \\boxed{} of a text, None where there is none."""
    at = text.rfind("\\boxed{")
    end = text.find("}", at)
    number = text[at + 7:end] if 0 <= at < end else ""
    return int(number) if number.isdigit() else None


def value_rows(codec, problem):
    """Where the value digits of the loop's entries stand, as indices into the generated tokens of a right output."""
    endings = tuple(f" makes {name} " for name in loop_names(problem.prompt))
    out, at = [], 0
    for text, _ in problem.trace:
        ids = codec.encode(text)
        if any(e in text for e in endings):
            out += [at + len(ids) - 3, at + len(ids) - 2]      # two digits, then the end of the line
        at += len(ids)
    return out


class Retention:
    """Which share of the loop entries' value digits is still cached after each compression, by layer."""

    def __init__(self, decoder, codec, problems, prompts):
        self.decoder, self.found = decoder, {}
        self.lanes = []
        for lane, (p, prompt) in enumerate(zip(problems, prompts)):
            wanted = torch.tensor([len(prompt) + i for i in value_rows(codec, p)], device=decoder.device)
            self.lanes.append((lane, wanted, len(document(codec, p)[0]) - len(prompt)))

    def look(self, policy):
        def at_compression(number, first, last):
            if number not in NUMBERS:
                return
            step = number * policy.P + policy.R
            shares = [torch.isin(wanted, self.decoder.positions[:, lane, first:last][layer]).float().mean().item()
                      for lane, wanted, tokens in self.lanes if tokens > step
                      for layer in range(self.decoder.positions.shape[0])]
            if shares:
                layers = self.decoder.positions.shape[0]
                self.found[number] = [round(sum(shares[i::layers]) * layers / len(shares), 3) for i in range(layers)]
        return at_compression


def measure(task, problems, decoder, codec):
    prompts = [codec.encode(head(p.prompt)) for p in problems]
    retention = Retention(decoder, codec, problems, prompts) if task == Task("program", task.policy) else None
    watch = retention.look(task.policy) if retention and task.policy.name == "rpc" else None
    began = time.time()
    outputs = decoder.generate(prompts, task.policy, MOST[task.family], seed=1, at_compression=watch)
    seconds = time.time() - began
    rows = []
    for p, prompt, ids in zip(problems, prompts, outputs):
        steps = len(ids) - 1
        rows.append({"right": boxed(codec.decode(ids)) == p.value, "tokens": len(ids), "steps": p.steps,
                     "loop": len(loop_names(p.prompt)),
                     "compressions": task.policy.compressions(steps),
                     "full_rows": Policy("full").mean_rows(len(prompt), steps),
                     "rows": task.policy.mean_rows(len(prompt), steps)})
    return {"family": task.family, "policy": str(task.policy), "seconds": round(seconds, 1), "rows": rows,
            "retained": retention.found if retention else {},
            "sample": codec.decode(outputs[0])}


def work(gpu, gpus, args, tasks, results):
    torch.set_num_threads(2)
    device = torch.device("cuda", gpu) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)               # graphs are captured on the current device's stream
    net = export.load(args.model, device, torch.bfloat16 if device.type == "cuda" else torch.float32)
    codec = Codec.load()
    problems = {f: [p for p in sets(NAME, args.count) if p.family == f] for f in FAMILIES}
    most = max(t.policy.R for t in tasks)
    decoder = Decoder(net, args.count, MOST["program"] + PROMPT_ROWS, most, codec.special["<|im_end|>"], args.eager)
    for task in tasks[gpu::gpus]:
        results.put(measure(task, problems[task.family], decoder, codec))
    results.put(None)


def interval(right, count):
    """Wilson's 95 % interval of a share."""
    z = 1.96
    share = right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def paired(full, other):
    """(right only with the full cache, right only with the other, two-sided exact p of the sign test)."""
    lost = sum(a["right"] and not b["right"] for a, b in zip(full, other))
    won = sum(b["right"] and not a["right"] for a, b in zip(full, other))
    n, k = lost + won, min(lost, won)
    return lost, won, min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2 ** n) if n else 1.0


def line(result, full):
    rows = result["rows"]
    right = sum(r["right"] for r in rows)
    low, high = interval(right, len(rows))
    lost, won, p = paired(full, rows)
    long = [r for r in rows if r["tokens"] > LONG]
    saved = f"{sum(r['full_rows'] / r['rows'] for r in long) / len(long):.2f}" if long else "-"
    pooled = f"{sum(r['full_rows'] for r in long) / sum(r['rows'] for r in long):.2f}" if long else "-"
    return (f"| {result['family']} | {result['policy']} | {right / len(rows):.1%} | {low:.1%} to {high:.1%} | -{lost} +{won} "
            f"| {p:.2g} | {sum(r['tokens'] for r in rows) / len(rows):.0f} | {sum(r['compressions'] > 0 for r in rows)} "
            f"| {len(long)} | {saved} | {pooled} | {result['seconds']:.0f} |")


def by_loop(rows):
    parts = []
    for size in sorted({r["loop"] for r in rows}):
        mine = [r["right"] for r in rows if r["loop"] == size]
        parts.append(f"{size} entries {sum(mine)} of {len(mine)}")
    return ", ".join(parts)


HEADER = ("| family | policy | right | 95 % interval | against full | p | mean tokens | compressed | over 1,000 tokens "
          "| rows smaller, mean | rows smaller, pooled | s |\n|---|---|---|---|---|---|---|---|---|---|---|---|")


def report(results, order, count):
    order = {str(p): i for i, p in enumerate(order)}
    results.sort(key=lambda r: (FAMILIES.index(r["family"]), order[r["policy"]]))
    full = {r["family"]: r["rows"] for r in results if r["policy"] == "full"}
    out = [f"{count} problems of each family, greedy.\n", HEADER]
    out += [line(r, full[r["family"]]) for r in results]
    out.append("\nPrograms right, by the number of entries in the loop; then the share of these entries' value digits still "
               "cached after compression N, by layer:\n")
    for r in results:
        if r["family"] == "program":
            out.append(f"- {r['policy']}: {by_loop(r['rows'])}")
            kept = sorted(r["retained"].items())
            out += [f"  - N = {n}: " + " ".join(f"{s:.2f}" for s in shares) for n, shares in kept[:1] + kept[1:][-1:]]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=200, help="problems of each family")
    parser.add_argument("--grid", default=GRID, help="settings for RPC, P:R:c with commas between")
    parser.add_argument("--rivals", default=RIVALS, help="settings for newest and random")
    parser.add_argument("--eager", action="store_true", help="no CUDA graphs")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    chosen = policies(args.grid, args.rivals)
    tasks = [Task(f, p) for f in FAMILIES for p in chosen]
    gpus = max(1, torch.cuda.device_count())
    context, results = mp.get_context("spawn"), []
    queue = context.Queue()
    workers = [context.Process(target=work, args=(g, gpus, args, tasks, queue), daemon=True) for g in range(gpus)]
    for w in workers:
        w.start()
    running = gpus
    while running:
        try:
            result = queue.get(timeout=5)
        except Empty:
            if any(w.exitcode for w in workers):
                raise SystemExit("a process of the evaluation failed; its message is above")
            continue
        if result is None:
            running -= 1
        else:
            results.append(result)
            print(f"{result['family']:10s} {result['policy']:28s} {sum(r['right'] for r in result['rows'])} of "
                  f"{len(result['rows'])}, {result['seconds']} s", flush=True)
    for w in workers:
        w.join()
    text = report(results, chosen, args.count)
    with open(os.path.join(args.out, "evaluation.md"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(args.out, "evaluation.json"), "w", encoding="utf-8") as f:
        json.dump(results, f)
    for r in results:
        if r["policy"] == "full":
            print(r["sample"][-400:], "\n")
    print(text)


if __name__ == "__main__":
    main()
