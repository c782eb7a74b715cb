"""A competent team without a model: answers made of what a question says."""

import json
import random
import re

SCALAR = r'(?:"(?:[^"\\]|\\.)*"|-?[\d.]+(?:e[+-]?\d+)?|true|false)'
LEVELS = re.compile(rf"({SCALAR}) <?\d+%")
FIGURES = re.compile(rf"{SCALAR}(?: {SCALAR})+")
PART_SIZE = 3  # columns of a component


def answer_competently(request):
    """Return a fitting answer to a manager's, a worker's or a label worker's question.

    Values come from a row's hint, the schema's enum, or the dictionary of columns. The
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
    columns = _read_dictionary(request.messages[0][1])
    if "components" in properties:
        return json.dumps(_plan([key for key in columns if key != "y"]))
    question = request.messages[-1][1]
    wanted = dict(properties["rows"]["items"]["properties"])
    wanted.pop("i")
    rows = []
    for row in _read_rows(question):
        dice = random.Random(f"{request.seed} {request.attempt} {row} {list(wanted)}")
        rows.append({"i": row["i"], **_write_row(row, wanted, columns, dice)})
    return json.dumps({"rows": rows}, separators=(",", ":"))


def _read_dictionary(text):
    """Return what follows the name of each column, by key."""
    lines = re.findall(r'^(c\d+|y) ("(?:[^"\\]|\\.)*"): (.*)$', text, re.M)
    return {key: rest for key, _, rest in lines}


def _read_rows(question):
    """Return the rows that end a question, by the header above them."""
    header, *lines = question.rpartition("Rows: ")[2].splitlines()
    keys = json.loads(header)
    return [dict(zip(keys, json.loads(line), strict=True)) for line in lines if line]


def _write_row(row, wanted, columns, dice):
    hint = row.get("hint") or {}
    values = {}
    for key, form in wanted.items():
        if key == "ok":
            values[key] = True
        elif key in hint:
            values[key] = _follow(hint[key], form, dice)
        else:
            values[key] = _invent(form, columns.get(key, ""), dice)
    return values


def _follow(hint, form, dice):
    if not isinstance(hint, list):
        return hint
    low, high = hint
    return low if isinstance(low, str) else _between(low, high, form, dice)


def _invent(form, description, dice):
    if "enum" in form:
        return dice.choice([value for value in form["enum"] if value is not None])
    levels = LEVELS.findall(description)
    if not levels:
        levels = re.findall(SCALAR, FIGURES.search(description)[0])
    values = [json.loads(level) for level in levels]
    if isinstance(values[0], str | bool) or "%" in description.partition(",")[0]:
        return dice.choice(values)
    return _between(values[0], values[-1], form, dice)


def _between(low, high, form, dice):
    value = dice.uniform(low, high)
    is_integer = "integer" in form.get("type", ())
    return round(value) if is_integer else round(value, 6)


def _plan(keys):
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
