"""Scripted replies: what a model would plausibly answer to a prompt, by its text."""

import csv
import io
import json
import random
import re
from itertools import chain, pairwise

# The forms in which a prompt writes values; `chat/prompts` and `chat/_formatting.py`
# decide on them.
TEXT = r'"(?:[^"\\]|\\.)*"'
SCALAR = rf"(?:{TEXT}|-?[\d.]+(?:e[+-]?\d+)?|true|false)"
LEVELS = re.compile(rf"({SCALAR}) (?:<?\d+%|new)")
DESCRIBED = re.compile(rf"^({TEXT})( \(label\))?: (.*)$", re.M)
QUANTILES = re.compile(rf"{SCALAR}(?: {SCALAR})*")
DECODER = json.JSONDecoder()
COMPONENT_SIZE = 3  # columns
N_LISTED = 8  # distinct values of a column of CSV, up to which it has no others
ADVICE = (
    "The rows are plausible, and their labels fit their values.",
    "Some rows are close to each other: vary the values that go together.",
    "Values far from the middle are rare: write a few of them for each label.",
    "Keep to the range of each column, and to how it goes with the label.",
)


def answer_competently(request):
    """Return a plausible reply to a request for a plan, rows, labels or free text.

    Values come from the reply's schema or from what the prompt says of the column. As
    a model may, it gives rows and keys in any order, and calls a column by its key, by
    its place ("c1") or by its name in capitals. Where a prompt without a schema has the
    header of a table, it writes CSV, its columns in any order. Equal requests get equal
    replies.

    Parameters
    ----------
    request : ChatRequest

    Returns
    -------
    text : str
        JSON, CSV or a few sentences.
    """
    rng = random.Random(f"{request.seed} {request.attempt} {request.messages[-1]}")
    if request.schema is None:
        return _answer_in_text(request.messages, rng)
    columns = _read_dictionary(request.messages[0][1])
    properties = request.schema["properties"]
    form = next(name for name in FORMS if name in properties)
    return json.dumps(FORMS[form](request, columns, rng), separators=(",", ":"))


def _answer_rows(request, columns, rng):
    """Return the rows at the end of a question."""
    *_, label = columns
    properties = request.schema["properties"]["rows"]["items"]["properties"]
    wanted = {key: value for key, value in properties.items() if key != "i"}
    rows = [
        {"i": row["i"], **_write_row(row, wanted, columns, label, rng)}
        for row in read_rows(request.messages[-1][1])
    ]
    places = {key: f"c{j}" for j, key in enumerate(columns, 1) if key != label}
    rows = [_vary_keys(row, places, wanted, rng) for row in rows]
    rng.shuffle(rows)
    return {"rows": rows}


def _read_dictionary(prompt):
    """Return the values of each column, by key; the label comes last.

    The values are those of the real rows in the prompt. A column without any has the
    levels or quantiles of its description.
    """
    description, _, shown = prompt.partition(" real rows:\n")
    lines = DESCRIBED.findall(description)
    described = {json.loads(key): _read_values(text) for key, _, text in lines}
    if not described:
        return {}
    start = f"{{{lines[0][0]}:"  # the keys of a real row are in the same order
    rows = [json.loads(row) for row in shown.splitlines() if row.startswith(start)]
    seen = {key: {row[key] for row in rows} - {None} for key in described}
    return {key: sorted(seen[key], key=str) or described[key] for key in described}


def _read_values(description):
    """Return the levels of a column, or the quantiles of a numeric one."""
    values = LEVELS.findall(description)
    if not values and (quantiles := QUANTILES.search(description)):
        values = re.findall(SCALAR, quantiles[0])
    return [json.loads(value) for value in values]


def read_rows(question):
    r"""Return the rows at the end of a question; none where a manager is asked.

    Parameters
    ----------
    question : str
        The last message of a request.

    Returns
    -------
    rows : list of dict
        Values by key; "i" is the row's number, from 1.

    Examples
    --------
    >>> read_rows('Write these rows.\nRows:\n2 x {"state":"ill"}')
    [{'i': 1, 'state': 'ill'}, {'i': 2, 'state': 'ill'}]
    """
    _, title, lines = question.rpartition("\nRows:\n")
    rows = []
    for line in lines.splitlines() if title else ():
        # "3 x {…}" stands for three equal rows.
        count, _, given = line.partition(" x ") if line[0] != "{" else ("1", "", line)
        rows += [DECODER.raw_decode(given)[0] for _ in range(int(count))]
    return [{"i": number, **row} for number, row in enumerate(rows, start=1)]


def _write_row(row, wanted, columns, label, rng):
    """Return values by key; a label that the question gives is repeated."""
    values = {}
    for key, schema in wanted.items():
        if key == label and key in row:
            values[key] = row[key]
        elif key in columns:
            values[key] = _invent_value(schema, columns[key], rng)
        else:  # the probability of a class
            values[key] = round(rng.random() / len(wanted), 2)
    return values


def _invent_value(schema, known, rng):
    if "enum" in schema:
        return rng.choice([value for value in schema["enum"] if value is not None])
    if any(isinstance(value, str | bool) for value in known):
        return rng.choice(known)
    value = rng.uniform(min(known), max(known)) if known else rng.random()
    is_integer = "integer" in schema.get("type", ())
    return round(value) if is_integer else round(value, 6)


def _vary_keys(row, places, wanted, rng):
    """Return a row with its keys in another order, some of them by other names."""
    items = list(row.items())
    rng.shuffle(items)
    is_unambiguous = not set(places.values()) & set(places)
    names = {
        key: rng.choice([key, key.upper(), places[key]]) if key in places else key
        for key in wanted
    }
    n_distinct = len({name.casefold() for name in names.values()})
    if not is_unambiguous or n_distinct < len(names):
        names = {}
    return {names.get(key, key): value for key, value in items}


def _make_plan(keys, rng):
    """Return a chain of components of a few columns each, in any order."""
    keys = rng.sample(keys, len(keys))
    parts = [keys[i : i + COMPONENT_SIZE] for i in range(0, len(keys), COMPONENT_SIZE)]
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


def _make_process(keys, rng):
    """Return columns in any order, each depending on the one before, and advice."""
    keys = rng.sample(keys, len(keys))
    links = [{"column": c, "parents": [p]} for p, c in pairwise(keys)]
    return {"structure": links, "task": rng.choice(ADVICE)}


def _answer_in_text(messages, rng):
    """Return rows as CSV where a prompt has the header of a table, else advice."""
    prompt = "\n".join(text for _, text in messages)
    described = _read_dictionary(prompt)
    header, sets = _read_csv(prompt, set(described))
    if not header:
        return "\n".join(f"- {text}" for text in rng.sample(ADVICE, 2))
    label = next(json.loads(key) for key, mark, _ in DESCRIBED.findall(prompt) if mark)
    rows, last_set = list(chain(*sets)), next(filter(None, reversed(sets)), [])
    known = {key: [row[key] for row in rows if row[key]] for key in header}
    known = {
        key: seen or [_spell(v) for v in described[key]] for key, seen in known.items()
    }
    wanted = [row[label] for row in read_rows(messages[-1][1])]
    wanted = wanted or [row[label] for row in last_set]  # the list goes on
    new = [
        {key: _invent_cell(cells, rng) for key, cells in known.items()}
        | {label: _spell(level)}
        for level in wanted
    ]
    return _write_csv(header, new, rng)


def _read_csv(prompt, keys):
    """Return the last header with all keys in a text, and the rows below each."""
    header, sets = [], []
    for line in prompt.splitlines():
        cells = next(csv.reader([line]), [])
        if keys and len(cells) == len(keys) and set(cells) == keys:
            header = cells
            sets.append([])
        elif header and len(cells) == len(header) and " x {" not in line:
            sets[-1].append(dict(zip(header, cells, strict=True)))
    return header, sets


def _invent_cell(cells, rng):
    """Return one of the cells of a column, or a number between them."""
    try:
        numbers = [float(cell) for cell in set(cells)]
    except ValueError:
        numbers = []
    if len(numbers) <= N_LISTED:
        return rng.choice(cells or [""])
    n_decimals = max(len(cell.partition(".")[2]) for cell in cells)
    number = round(rng.uniform(min(numbers), max(numbers)), n_decimals)
    return str(number if n_decimals else int(number))


def _write_csv(header, rows, rng):
    """Return rows below a header in any order, or without one in the asked order."""
    has_header = rng.random() < 0.7
    if has_header:
        header = rng.choice([header, rng.sample(header, len(header))])
    rng.shuffle(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    if has_header:
        writer.writeheader()
    writer.writerows(rows)
    return f"```csv\n{text.getvalue()}```" if rng.random() < 0.3 else text.getvalue()


def _spell(value):
    """Return a value as a cell of CSV."""
    return value if isinstance(value, str) else json.dumps(value)


# What a schema asks for, by one of its properties; of a manager's plan the first.
FORMS = {
    "components": lambda _, columns, rng: _make_plan(list(columns)[:-1], rng),
    "structure": lambda _, columns, rng: _make_process(list(columns), rng),
    "rows": _answer_rows,
    "rules": lambda *_: {"rules": []},
}
