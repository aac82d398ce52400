#!/usr/bin/env python3
"""Writes the Zeppelin notes from the Databricks sources, so that both hold the same cells.

Usage: notebooks/to_zeppelin.py
"""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
LANGUAGES = {".scala": ("//", "scala"), ".sql": ("--", "sql"), ".py": ("#", "python")}
INTERPRETERS = {"scala": "%spark", "sql": "%spark.sql", "python": "%spark.pyspark", "md": "%md"}


def cells(source):
    """The cells of a Databricks source as pairs of language and code."""
    mark, default = LANGUAGES[source.suffix]
    text = source.read_text().removeprefix(f"{mark} Databricks notebook source\n")
    for cell in re.split(rf"^{mark} COMMAND -+$", text, flags=re.M):
        lines = cell.strip("\n").split("\n")
        magic = f"{mark} MAGIC"
        if not lines[0].startswith(magic):
            yield default, "\n".join(lines)
            continue
        lines = [line.removeprefix(magic).removeprefix(" ") for line in lines]
        language, first = re.fullmatch(r"%(\w+) ?(.*)", lines[0]).groups()
        yield language, "\n".join(([first] if first else []) + lines[1:])


def note(source):
    """A Zeppelin note without outputs."""
    return {
        "name": "Tracemill/" + source.stem,
        "paragraphs": [
            {"id": f"paragraph_{number}", "text": f"{INTERPRETERS[language]}\n\n{code}"}
            for number, (language, code) in enumerate(cells(source), 1)
        ],
        "config": {},
        "info": {},
    }


for path in sorted((HERE / "databricks").iterdir()):
    target = HERE / "zeppelin" / (path.stem + ".zpln")
    target.write_text(json.dumps(note(path), indent=2, ensure_ascii=False) + "\n")
