"""A competent team without a model: answers made of what a question says."""

import json
import random
import re

SCALAR = r'(?:"(?:[^"\\]|\\.)*"|-?[\d.]+(?:e[+-]?\d+)?|true|false)'
TEXT = r'"(?:[^"\\]|\\.)*"'
LEVELS = re.compile(rf"({SCALAR}) (?:<?\d+%|new)")
FIGURES = re.compile(rf"{SCALAR}(?: {SCALAR})*")
DECODER = json.JSONDecoder()
PART_SIZE = 3  # columns of a component


def answer_competently(request):
    """Return a fitting answer to a manager's, a worker's or a label worker's question.

    Values come from the schema's enum or the dictionary of columns. Rows and keys come
    in any order, and a key, its column's place ("c1") or its name stands for it. The
    same question has the same answer.

    Parameters
    ----------
    request : ChatRequest

    Returns
    -------
    text : str
        JSON.
    """
    properties = request.schema["properties"]
    columns = read_dictionary(request.messages[0][1])
    *_, label = columns
    dice = random.Random(f"{request.seed} {request.attempt} {request.messages[-1]}")
    if "components" in properties:
        return json.dumps(_plan(list(columns)[:-1], dice))
    wanted = dict(properties["rows"]["items"]["properties"])
    wanted.pop("i")
    rows = [
        {"i": row["i"], **_write_row(row, wanted, columns, label, dice)}
        for row in read_rows(request.messages[-1][1])
    ]
    places = {key: f"c{j}" for j, key in enumerate(columns, 1) if key != label}
    rows = [_call_otherwise(row, places, wanted, dice) for row in rows]
    dice.shuffle(rows)
    return json.dumps({"rows": rows}, separators=(",", ":"))


def read_dictionary(text):
    """Return the values of each column, by key; that of the label comes last.

    They are those of the real rows that are shown, or else what the dictionary says.
    """
    head, _, shown = text.partition(" real rows:\n")
    lines = re.findall(rf"^({TEXT})(?: \(label\))?: (.*)$", head, re.M)
    told = {json.loads(key): _read_values(rest) for key, rest in lines}
    start = f"{{{lines[0][0]}:"  # a real row has the columns in the same order
    rows = [json.loads(row) for row in shown.splitlines() if row.startswith(start)]
    seen = {key: {row[key] for row in rows} - {None} for key in told}
    return {key: sorted(seen[key], key=str) or told[key] for key in told}


def _read_values(description):
    """Return levels, or figures of numbers."""
    found = LEVELS.findall(description)
    if not found and (figures := FIGURES.search(description)):
        found = re.findall(SCALAR, figures[0])
    return [json.loads(value) for value in found]


def read_rows(question):
    """Return the rows that end a question; none where it asks for a plan."""
    _, title, lines = question.rpartition("\nRows:\n")
    rows = []
    for line in lines.splitlines() if title else ():
        count, _, given = line.partition(" x ") if line[0] != "{" else ("1", "", line)
        rows += [DECODER.raw_decode(given)[0] for _ in range(int(count))]
    return [{"i": number, **row} for number, row in enumerate(rows, start=1)]


def _write_row(row, wanted, columns, label, dice):
    """Return values by key; the label is the one that the row is for, if it has one."""
    values = {}
    for key, form in wanted.items():
        if key == label and key in row:
            values[key] = row[key]
        elif key in columns:
            values[key] = _invent(form, columns[key], dice)
        else:  # the probability of a class
            values[key] = round(dice.random() / len(wanted), 2)
    return values


def _call_otherwise(row, places, wanted, dice):
    """Return a row in another order, some of its values under other words."""
    items = list(row.items())
    dice.shuffle(items)
    is_free = not set(places.values()) & set(places)
    words = {
        key: dice.choice([key, key.upper(), places[key]]) if key in places else key
        for key in wanted
    }
    if not is_free or len({word.casefold() for word in words.values()}) < len(words):
        words = {}
    return {words.get(key, key): value for key, value in items}


def _invent(form, known, dice):
    if "enum" in form:
        return dice.choice([value for value in form["enum"] if value is not None])
    if any(isinstance(value, str | bool) for value in known):
        return dice.choice(known)
    return _between(min(known), max(known), form, dice)


def _between(low, high, form, dice):
    value = dice.uniform(low, high)
    is_integer = "integer" in form.get("type", ())
    return round(value) if is_integer else round(value, 6)


def _plan(keys, dice):
    """Return parts of a few columns in a chain; the columns come in any order."""
    keys = dice.sample(keys, len(keys))
    parts = [keys[i : i + PART_SIZE] for i in range(0, len(keys), PART_SIZE)]
    components = [
        {
            "name": f"part {n}",
            "role": "writer",
            "columns": part,
            "reads": [f"part {n - 1}"] if n > 1 else [],
        }
        for n, part in enumerate(parts, start=1)
    ]
    return {"components": components, "rules": []}
