"""The demo model's tokenizer: byte-level BPE in Hugging Face's tokenizer.json, trained and read without their library.

usage: bpe.py train     writes tokenizer.json beside this file (the same bytes each time)
       bpe.py check     compares encodings with the `tokenizers` library

The text of the problems is ASCII with few different words, so that training takes seconds, and reading is a table of
pieces. A piece that is not ASCII is refused here; the tokenizer.json itself handles any text.
"""
import json
import os
import random
import re
import sys
from collections import Counter

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
VOCABULARY = 2048
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizer.json")
DOCUMENTS = 2000                    # of each family, for training

_ASCII_SPLIT = re.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+"
                          r"|\s+(?!\S)|\s+")
_SPECIAL_SPLIT = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + ")")


def _byte_letters():
    """The printable letter that stands for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in plain}
    for b in range(256):
        letters.setdefault(b, chr(256 + len(letters) - len(plain)))
    return letters


_LETTER = _byte_letters()


def _pieces(text):
    """The text cut as the tokenizer cuts it, special tokens first."""
    if "<" not in text:
        return _ASCII_SPLIT.findall(text)
    out = []
    for part in _SPECIAL_SPLIT.split(text):
        out += [part] if part in SPECIAL else _ASCII_SPLIT.findall(part)
    return out


def _join(parts, pair):
    out, i = [], 0
    while i < len(parts):
        if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
            out.append(parts[i] + parts[i + 1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


def learn(counts, most):
    """The merges that BPE learns from {piece: count}: the most frequent pair each time, the lower in order among equals."""
    words = {p: [_LETTER[b] for b in p.encode()] for p in counts}
    merges = []
    while len(merges) < most:
        pairs = Counter()
        for p, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[p]
        if not pairs:
            break
        best = min(pairs, key=lambda q: (-pairs[q], q))
        merges.append(best)
        for p, parts in words.items():
            if best[0] in parts:
                words[p] = _join(parts, best)
    return merges


def tokenizer_json(merges):
    letters = sorted(_LETTER.values())
    vocabulary = {t: i for i, t in enumerate(dict.fromkeys([*letters, *(a + b for a, b in merges)]))}
    first = len(vocabulary)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": first + i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": s.startswith("<|")} for i, s in enumerate(SPECIAL)],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocabulary, "merges": [list(m) for m in merges]}}


class Codec:
    """Encodes and decodes ASCII text as tokenizer.json says."""

    def __init__(self, spec):
        self.vocabulary = spec["model"]["vocab"]
        self.rank = {tuple(m): i for i, m in enumerate(spec["model"]["merges"])}
        self.special = {t["content"]: t["id"] for t in spec["added_tokens"]}
        self.ids = {s: [i] for s, i in self.special.items()}
        self.text = {i: t for t, i in self.vocabulary.items()}
        self.text.update({i: s for s, i in self.special.items()})

    @classmethod
    def load(cls, path=FILE):
        with open(path, encoding="utf-8") as f:
            return cls(json.load(f))

    def encode(self, text):
        out, ids = [], self.ids
        for piece in _pieces(text):
            found = ids.get(piece)
            if found is None:
                found = ids[piece] = self._encode_piece(piece)
            out += found
        return out

    def _encode_piece(self, piece):
        if not piece.isascii():
            raise ValueError(f"the piece {piece!r} is not ASCII: read it with the tokenizers library")
        parts = [_LETTER[b] for b in piece.encode()]
        while len(parts) > 1:
            best = min(zip(parts, parts[1:]), key=lambda q: self.rank.get(q, 1 << 30))
            if best not in self.rank:
                break
            parts = _join(parts, best)
        return [self.vocabulary[p] for p in parts]

    def decode(self, ids):
        """The text of the ids, special tokens written out; ids without a token are shown as a question mark."""
        back = {c: chr(b) for b, c in _LETTER.items()}
        out = []
        for i in ids:
            t = self.text.get(i, "?")
            out.append(t if t in self.special else "".join(back.get(c, "?") for c in t))
        return "".join(out)


def _corpus(rng):
    from problems import FAMILIES, draw
    for family in FAMILIES:
        for _ in range(DOCUMENTS):
            for text, _ in draw(rng, family).segments():
                yield text


def _every_word():
    """The words that a small corpus may miss, in the places where they stand."""
    from programs import ENTRIES
    from words import ITEMS, OWNERS
    for e in ENTRIES:
        yield f"{e} is\n{e} {e}"
    for o in OWNERS:
        yield f"{o}'s {o}"
    for i in ITEMS:
        yield f" {i}"


def train():
    counts = Counter()
    for text in [*_corpus(random.Random("tokenizer")), *_every_word()]:
        counts.update(p for p in _pieces(text) if p not in SPECIAL)
    merges = learn(counts, VOCABULARY - 256 - len(SPECIAL))
    with open(FILE, "w", encoding="utf-8", newline="\n") as f:
        json.dump(tokenizer_json(merges), f, ensure_ascii=False, indent=1)
        f.write("\n")
    print(f"{len(counts)} pieces, {len(merges)} merges, {256 + len(merges) + len(SPECIAL)} tokens")


def check():
    from tokenizers import Tokenizer
    theirs, ours = Tokenizer.from_file(FILE), Codec.load()
    texts = list(_corpus(random.Random("check")))[:3000]
    for text in texts:
        a, b = theirs.encode(text, add_special_tokens=False).ids, ours.encode(text)
        if a != b:
            raise SystemExit(f"the tokenizers library encodes {text!r} differently: {a} against {b}")
    print(f"{len(texts)} texts are encoded as the tokenizers library does")


if __name__ == "__main__":
    {"train": train, "check": check}[sys.argv[1]]()
