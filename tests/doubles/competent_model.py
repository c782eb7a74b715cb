"""Answer a team's questions well: a manager's plan, workers' rows, labels.

All that is known of a question is its text, as any server would know it: the schema of
the reply (or, where none was sent, the reply's form in the prompt), and one JSON object
per row after a line ``Rows:``. Rows, keys and a plan's columns come in any order, and a
key, another name of its column and other spellings of it stand for the key.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass

from doubles.simulated_tables import make_pool
from t2sampler.testing import read_rows

FORM = re.compile(r'\{"rows":\[(\{"i":1,.*?\}),')
LABEL = re.compile(r'^("(?:[^"\\]|\\.)*") \(label\): ', re.M)
VALUE = re.compile(r'("(?:[^"\\]|\\.)*"):…')


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
    label = LABEL.search("\n".join(texts))
    label = json.loads(label[1]) if label else "y"
    rows = tuple({"y" if k == label else k: v for k, v in row.items()} for row in rows)
    keys = tuple(key for key in _find_keys(body, texts) if key != "i")
    keys = tuple("y" if key == label else key for key in keys)
    return Question("worker" if "y" in rows[0] else "label", keys, rows)


def answer(body, question, table, plan):
    """Return a reply, to be written as JSON; the same body gets the same reply.

    ``plan`` is what a manager answers; None stands for three components in a chain.
    """
    pool, rng = make_pool(table), _dice_for(body)
    if question.role == "manager":
        return plan or make_plan(rng.sample(list(pool.axes), len(pool.axes)))
    rows = [_answer_row(row, question.keys, pool, rng) for row in question.rows]
    return {"rows": rng.sample(rows, len(rows))}


def reword(body, reply, table):
    """Return a reply that says the same with other words, in another order."""
    if "rows" not in reply:
        return reply
    pool, rng = make_pool(table), _dice_for(body)
    return {"rows": [_spell_otherwise(row, pool, rng) for row in reply["rows"]]}


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


def _dice_for(body):
    text = json.dumps(body["messages"]) + str(body.get("seed"))
    return random.Random(hashlib.sha256(text.encode()).digest())


def _answer_row(row, keys, pool, rng):
    """Return the wanted values of a true row that agrees with the given ones."""
    found = {_find_column(key, pool): value for key, value in row.items()}
    given = {name: value for name, value in found.items() if name in pool.axes}
    wanted = row.get("y")
    if given:
        truth = pool.nearest(given, wanted)
    else:
        some = [i for i, y in enumerate(pool.labels) if y == wanted]
        truth = rng.choice(some or range(len(pool.rows)))
    sure = {key: float(key == pool.labels[truth]) for key in keys}
    values = {**sure, **pool.rows[truth], "y": row.get("y", pool.labels[truth])}
    return {"i": row["i"], **{key: values[_find_column(key, pool)] for key in keys}}


def _find_column(key, pool):
    """Return the column that a key stands for: its name, or its place as "c1"."""
    is_place = key not in pool.axes and re.fullmatch(r"c\d+_*", key)
    return list(pool.axes)[int(key.strip("c_")) - 1] if is_place else key


def _spell_otherwise(row, pool, rng):
    """Return a row with its keys in any order, and some of it in other words."""
    items = [(key, _spell_value(value, rng)) for key, value in row.items()]
    named = [(_call(key, pool, rng), value) for key, value in items]
    return dict(rng.sample(named, len(named)))


def _call(key, pool, rng):
    """Return a word for a key: itself, its column's place, or its name in capitals."""
    if key not in pool.axes:
        return key
    place = 1 + list(pool.axes).index(key)
    return rng.choice([key, key, f"c{place}", key.upper()])


def _spell_value(value, rng):
    """Return a value as it is, or as text that says the same."""
    if rng.random() > 0.1 or value is None:
        return value
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _find_keys(body, texts):
    """Return the keys of a row of the reply, from its schema or from the prompt."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        return schema["properties"]["rows"]["items"]["properties"]
    for text in reversed(texts):
        if form := FORM.search(text):
            return [json.loads(key) for key in VALUE.findall(form[1])]
    raise ValueError("the prompt names neither a schema nor the reply's form")
