"""Runs the Python cells of notebooks without PySpark.

Reads one JSON request a line: {"cell": code}. While a cell runs, every use of `spark` is a request the other
way, answered by the JVM with the outcome of the real Spark: {"op": ..., ...}. What this stand-in does not know is an
AttributeError or a TypeError, and the cell fails.
"""

import json
import sys
import traceback

ANSWERS = sys.stdin
REQUESTS = sys.stdout
sys.stdout = sys.stderr  # What cells print must not look like a request.


def ask(**request):
    REQUESTS.write(json.dumps(request) + "\n")
    REQUESTS.flush()
    answer = json.loads(ANSWERS.readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["value"]


class Row(tuple):
    """A row with its columns' names."""

    def __new__(cls, names, values):
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getattr__(self, name):
        if name in self.names:
            return self[self.names.index(name)]
        raise AttributeError(name)

    def __getitem__(self, key):
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


class DataFrame:
    """Rows that lie in the JVM under a number."""

    def __init__(self, number):
        self._number = number

    def _ask(self, op, **more):
        return ask(op=op, frame=self._number, **more)

    @property
    def columns(self):
        return self._ask("columns")

    def count(self):
        return self._ask("count")

    def show(self, n=20, truncate=True):
        print(self._ask("show", rows=int(n), characters=20 if truncate is True else int(truncate)))

    def collect(self):
        names = self.columns
        return [Row(names, values) for values in self._ask("collect")]

    def limit(self, n):
        return DataFrame(self._ask("limit", rows=int(n)))

    def first(self):
        rows = self.limit(1).collect()
        return rows[0] if rows else None

    def createOrReplaceTempView(self, name):
        self._ask("view", name=name)


class Conf:
    def get(self, key, default):
        return ask(op="conf", key=key, default=default)


class Session:
    conf = Conf()

    def sql(self, query):
        return DataFrame(ask(op="sql", query=query))

    def table(self, name):
        return DataFrame(ask(op="table", name=name))


def display(frame):
    frame.show(1000)


names = {"spark": Session(), "display": display, "__name__": "__main__"}
for line in ANSWERS:
    try:
        exec(compile(json.loads(line)["cell"], "<cell>", "exec"), names)
        REQUESTS.write(json.dumps({"op": "done"}) + "\n")
    except BaseException:
        REQUESTS.write(json.dumps({"op": "failed", "trace": traceback.format_exc()}) + "\n")
    REQUESTS.flush()
