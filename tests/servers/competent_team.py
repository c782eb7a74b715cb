"""Answer a team's questions well: a manager's plan, workers' rows, labels.

All that is known of a question is its text, as any server would know it: the schema of
the reply (or, where none was sent, the reply's form in the prompt), and one JSON list
per row after a line ``Rows: [...]`` that names the positions.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass

from simulated_tables import make_pool

HEADER = re.compile(r"^\s*Rows:\s*(\[.*\])\s*$", re.M)
FORM = re.compile(r'"rows"\s*:\s*\[\s*\{([^{}]*)')


@dataclass(frozen=True)
class Question:
    """Who is asked ("manager", "worker", "label"), for which keys, beside what."""

    role: str
    keys: tuple
    rows: tuple


def read_question(body):
    """Return what a request asks for."""
    texts = [message["content"] for message in body["messages"]]
    rows = read_rows(texts[-1])
    if not rows:
        return Question("manager", (), ())
    keys = tuple(key for key in _find_keys(body, texts) if key != "i")
    role = "label" if {"y", "ok"}.intersection(keys) else "worker"
    return Question(role, keys, rows)


def read_rows(text):
    """Return the rows of a prompt as dicts by key; none for a manager's."""
    headers = list(HEADER.finditer(text))
    if not headers:
        return ()
    names = json.loads(headers[-1][1])
    lines = text[headers[-1].end() :].splitlines()
    lists = [json.loads(line) for line in lines if line.strip().startswith("[")]
    return tuple(dict(zip(names, values, strict=True)) for values in lists)


def answer(body, question, table, plan):
    """Return a reply, to be written as JSON; the same body gets the same reply.

    ``plan`` is what a manager answers; None stands for three components in a chain.
    """
    pool = make_pool(table)
    if question.role == "manager":
        return plan or make_plan(list(pool.axes))
    text = json.dumps(body["messages"]) + str(body.get("seed"))
    rng = random.Random(hashlib.sha256(text.encode()).digest())
    rows = [_answer_row(row, question.keys, pool, rng) for row in question.rows]
    return {"rows": rows}


def make_plan(keys, n_components=3, is_chain=True):
    """Return components of about equal size; in a chain each reads all before it."""
    size = -(-len(keys) // n_components)
    parts = []
    for start in range(0, len(keys), size):
        number = len(parts) + 1
        reads = [part["name"] for part in parts] if is_chain else []
        columns = keys[start : start + size]
        part = {"name": f"part {number}", "role": f"Specialist {number}"}
        parts.append({**part, "columns": columns, "reads": reads})
    return {"components": parts, "rules": []}


def _answer_row(row, keys, pool, rng):
    """Return the wanted values of a true row that agrees with the given ones."""
    given = {key: value for key, value in row.items() if key in pool.axes}
    wanted = row.get("y")
    if given:
        truth = pool.nearest(given, None if "ok" in keys else wanted)
    else:
        truth = _pick(wanted, row.get("hint") or {}, pool, rng)
    values = {
        **pool.rows[truth],
        "y": pool.labels[truth],
        "ok": pool.labels[truth] == wanted,
    }
    return {"i": row["i"], **{key: values[key] for key in keys}}


def _pick(label, hints, pool, rng):
    """Return a row of the label that agrees with most of the hints."""
    rows = [i for i, y in enumerate(pool.labels) if y == label] or range(len(pool.rows))
    some = rng.sample(rows, min(40, len(rows)))
    return max(some, key=lambda i: sum(_fits(pool.rows[i], *h) for h in hints.items()))


def _fits(row, key, hint):
    value = row.get(key)
    if isinstance(hint, list) and isinstance(value, int | float):
        return hint[0] <= value <= hint[-1]
    return value == hint


def _find_keys(body, texts):
    """Return the keys of a row of the reply, from its schema or from the prompt."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        return schema["properties"]["rows"]["items"]["properties"]
    for text in reversed(texts):
        forms = FORM.findall(text)
        if forms:
            return re.findall(r'"(\w+)"\s*:', forms[-1])
    raise ValueError("the prompt names neither a schema nor the reply's form")
