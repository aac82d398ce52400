"""Jinja set up the way Hugging Face sets it up for chat templates: the yardstick of the Java engine."""

import json
from datetime import datetime, timezone

import jinja2
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

# The moment that strftime_now tells, so that records do not age.
NOW = datetime(2025, 3, 7, 9, 5, 2, 12345, tzinfo=timezone.utc)


class Generation(Extension):
    """The tag `generation`, which renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("render"), [], [], body).set_lineno(line)

    def render(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def outcome(env, source, variables):
    """What rendering gives: ("output", text) or ("error", message)."""
    try:
        return "output", env.from_string(source).render(**variables)
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError,
            KeyError, IndexError, SyntaxError, AttributeError, RecursionError) as e:
        return "error", f"{type(e).__name__}: {e}"
