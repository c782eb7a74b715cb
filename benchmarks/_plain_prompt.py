"""The baseline of one plain prompt: all real rows, and "write so many of each class".

In the manner of CLLM (Seedat et al., "Curated LLM", 2024), in our own words, and
through the openai package alone, so that nothing of t2sampler's prompts or readers has
a part in it. Replies are kept in a file, a line of JSON each, so that a run that was
stopped pays for no call twice.
"""

import hashlib
import json
import math
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import openai
import pandas as pd

BATCH_ROWS = 20
MOST_AGAIN = 2  # times that missing rows are asked for
DIGITS = 5  # significant ones of the numbers shown
TABLE_PROMPT = """\
You write new rows of a table, so that a model trained on the real rows and yours \
together does better on rows that nobody has seen.

The table: {context}

Its columns:
{columns}

All real rows that there are, as JSON:
{rows}

Use these rows, and what you know of the subject, to write new ones. They should \
follow the real rows in the range of each column, in how the columns go together and \
in how they go with "{label}", and differ from them and from one another as real rows \
would. Copy no real row.\
"""
BATCH_PROMPT = """\
Batch {number}. Write {n_rows} new rows: {counts}. Answer with JSON only, {{"rows": \
[...]}}: one object per row, with the same keys as the real rows.\
"""


@dataclass
class Written:
    """What came of a run: the rows, in order, and what they took.

    Attributes
    ----------
    X, y : DataFrame and Series
    n_refused : int
        Rows that did not fit the columns.
    usage : dict of str to int
        Calls and tokens, those of kept replies included.
    n_asked : int
        Calls that were made now.
    """

    X: pd.DataFrame
    y: pd.Series
    n_refused: int = 0
    usage: dict = field(default_factory=dict)
    n_asked: int = 0


class Replies:
    """Ask an endpoint, and keep every reply in a file.

    Parameters
    ----------
    chat : ChatModel
        Its settings say whom to ask.
    path : Path
    """

    def __init__(self, chat, path):
        self.chat, self.path = chat, path
        self.n_asked = 0
        self._lock = threading.Lock()
        self._kept = dict(_read_kept(path))
        self._client = None

    def ask_all(self, questions):
        """Return a reply, a dict of text and tokens, per list of messages, in order."""
        with ThreadPoolExecutor(self.chat.max_concurrency) as pool:
            return list(pool.map(self.ask, questions))

    def ask(self, messages):
        """Return the reply to one list of messages."""
        text = json.dumps([self.chat.model, messages])
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._kept:
            self._keep(key, self._complete(messages))
        return self._kept[key]

    def close(self):
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def _complete(self, messages):
        chat = self.chat
        limits = {} if chat.temperature is None else {"temperature": chat.temperature}
        done = self._connect().chat.completions.create(
            model=chat.model, messages=messages, extra_body=chat.extra_body, **limits
        )
        usage = done.usage
        details = getattr(usage, "prompt_tokens_details", None)
        return {
            "text": done.choices[0].message.content or "",
            "input_tokens": getattr(usage, "prompt_tokens", 0),
            "output_tokens": getattr(usage, "completion_tokens", 0),
            "cached_tokens": getattr(details, "cached_tokens", 0) or 0,
        }

    def _connect(self):
        with self._lock:
            if self._client is None:
                self._client = openai.OpenAI(
                    api_key=os.environ.get("OPENAI_API_KEY", "none"),
                    base_url=self.chat.base_url,
                    timeout=self.chat.timeout,
                    max_retries=self.chat.max_retries,
                )
            return self._client

    def _keep(self, key, reply):
        with self._lock:
            self.n_asked += 1
            self._kept[key] = reply
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps({'key': key, **reply})}\n")


def _read_kept(path):
    """Yield key and reply of each line; one that was cut by a stop is left out."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            reply = json.loads(line)
        except ValueError:
            continue
        yield reply.pop("key"), reply


def write_rows(replies, X, y, wanted, *, context="", meanings=None):
    """Have rows written by plain prompts.

    Parameters
    ----------
    replies : Replies
    X : DataFrame
    y : Series
    wanted : dict of label to int
        New rows of each class.
    context : str
    meanings : dict of str to str

    Returns
    -------
    written : Written
    """
    prompt = describe(X, y, context, meanings or {})
    reader = Reader(X, y)
    rows, usage, n_refused, number = [], {"calls": 0}, 0, 0
    for _ in range(1 + MOST_AGAIN):
        batches = deal(_find_missing(rows, wanted))
        questions = [
            ask_batch(prompt, number + i, y.name, batch)
            for i, batch in enumerate(batches, start=1)
        ]
        number += len(batches)
        for reply in replies.ask_all(questions):
            usage["calls"] += 1
            for name in ("input_tokens", "output_tokens", "cached_tokens"):
                usage[name] = usage.get(name, 0) + reply[name]
            read = [reader.read(row) for row in find_rows(reply["text"])]
            n_refused += read.count(None)
            for row in filter(None, read):
                if _find_missing(rows, wanted).get(row[1]):  # what is too much is left
                    rows.append(row)
    table = pd.DataFrame([values for values, _ in rows], columns=list(X))
    labels = pd.Series([label for _, label in rows], name=y.name, dtype=y.dtype)
    return Written(table.astype(X.dtypes), labels, n_refused, usage, replies.n_asked)


def _find_missing(rows, wanted):
    """Return how many rows are still wanted of each class that lacks some."""
    labels = [label for _, label in rows]
    missing = {label: n - labels.count(label) for label, n in wanted.items()}
    return {label: n for label, n in missing.items() if n > 0}


def deal(wanted):
    """Return the wanted counts as batches of 20 rows, the classes in equal shares.

    Parameters
    ----------
    wanted : dict of label to int

    Returns
    -------
    batches : list of dict of label to int
    """
    rounds = max(wanted.values(), default=0)
    labels = [label for i in range(rounds) for label, n in wanted.items() if i < n]
    parts = [labels[i : i + BATCH_ROWS] for i in range(0, len(labels), BATCH_ROWS)]
    return [
        {label: part.count(label) for label in dict.fromkeys(part)} for part in parts
    ]


def describe(X, y, context, meanings):
    """Return what every prompt says of the table."""
    rows = pd.concat([X, y.astype(object)], axis=1)
    names = [f"- {name}: {meanings.get(name, name)}" for name in rows]
    lines = [
        json.dumps(
            {name: _show(cell) for name, cell in row.items()}, ensure_ascii=False
        )
        for row in rows.astype(object).to_dict("records")
    ]
    return TABLE_PROMPT.format(
        context=context or "unknown",
        columns="\n".join(names),
        rows="\n".join(lines),
        label=y.name,
    )


def ask_batch(prompt, number, label, wanted):
    """Return the messages that ask for one batch."""
    counts = ", ".join(
        f'{n} with "{label}": {json.dumps(_show(level), ensure_ascii=False)}'
        for level, n in wanted.items()
    )
    task = BATCH_PROMPT.format(
        number=number, n_rows=sum(wanted.values()), counts=counts
    )
    return [
        {"role": "system", "content": prompt},
        {"role": "user", "content": task},
    ]


def _show(cell):
    """Return a value as JSON has it."""
    if pd.isna(cell):
        return None
    cell = getattr(cell, "item", lambda: cell)()
    is_long = isinstance(cell, float) and math.isfinite(cell)
    return float(f"{cell:.{DIGITS}g}") if is_long else cell


def find_rows(text):
    """Return every row of a reply, whatever stands around it, or after it was cut.

    Examples
    --------
    >>> find_rows('Here: ```{"rows": [{"a": 1}, {"a": 2}]}```')
    [{'a': 1}, {'a': 2}]
    >>> find_rows('{"rows": [{"a": 1}, {"a"')
    [{'a': 1}]
    """
    decoder, rows = json.JSONDecoder(), []
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        lists = [part for part in found.values() if isinstance(part, list)]
        rows += [row for part in lists for row in part if isinstance(row, dict)]
        rows += [] if lists else [found]
        start = text.find("{", end)
    return rows


class Reader:
    """Read rows by the names and types of the real columns.

    Parameters
    ----------
    X : DataFrame
    y : Series
    """

    def __init__(self, X, y):
        self.names = {_fold(name): name for name in [*X, y.name]}
        self.label = y.name
        self.labels = {str(label).casefold(): label for label in y.unique()}
        self.readers = {name: _make_reader(X[name]) for name in X}

    def read(self, row):
        """Return the values and the label of a row; None where it does not fit."""
        cells = {self.names.get(_fold(key)): cell for key, cell in row.items()}
        label = self.labels.get(_spell(cells.get(self.label)).casefold())
        if label is None:
            return None
        try:
            values = {
                name: read(cells.get(name)) for name, read in self.readers.items()
            }
        except (TypeError, ValueError):
            return None
        return values, label


def _make_reader(values):
    """Return a function from a cell to a value of a real column; it raises."""
    kind = values.dtype.kind
    levels = {str(v).casefold(): v for v in values.dropna().unique()}

    def read(cell):
        if cell is None or cell == "":
            if values.isna().any():
                return math.nan
            raise ValueError(f"{values.name} cannot be missing")
        if kind in "iuf":
            return _read_number(cell, is_whole=kind in "iu")
        return _read_text(cell, levels)

    return read


def _read_number(cell, is_whole):
    if isinstance(cell, bool):
        raise TypeError(f"{cell} is no number")
    number = float(cell)
    if not math.isfinite(number) or (is_whole and not number.is_integer()):
        raise ValueError(f"{cell} does not fit")
    return int(number) if is_whole else number


def _read_text(cell, levels):
    """Return a level as the real rows spell it; one that they lack as it came."""
    if not isinstance(cell, str):
        raise TypeError(f"{cell} is no text")
    return levels.get(cell.strip().casefold(), cell.strip())


def _spell(cell):
    is_whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if is_whole else cell).strip()


def _fold(name):
    return re.sub(r"\W|_", "", str(name)).casefold()
