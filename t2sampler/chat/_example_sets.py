"""Sets of real rows, balanced by class, as a list of CSV that a model goes on with."""

import heapq
import string
from collections.abc import Collection, Mapping

import numpy as np

from t2sampler.chat._context import PromptContext
from t2sampler.chat._csv_rows import CsvRows
from t2sampler.llm._tokens import count_tokens

LETTERS = string.ascii_uppercase
TOKEN_SIGNS = LETTERS + string.digits
TOKEN_LENGTH = 3
MIN_SPARE = 4  # times as many tokens as are needed: few are rejected

ExampleSet = dict[int, list[int]]  # positions of real rows by class


def draw_sets(
    context: PromptContext,
    rng: np.random.Generator,
    n_sets: int,
    n_per_class: int,
    *,
    is_repeated: bool = False,
) -> list[ExampleSet]:
    """Return sets of rows that may be shown, so many of each class in each set.

    Parameters
    ----------
    context : PromptContext
    rng : Generator
    n_sets, n_per_class : int
    is_repeated : bool, default=False
        True: all sets have all rows asked for, and a class that has fewer repeats its
        rows by chance. False: no set has a row twice, all rows of a class are shown
        about equally often, and no more than show each row of the largest class.
    """
    shown = np.array(context.example_rows)
    labels = context.labels[shown]
    classes = {int(k): shown[labels == k] for k in np.unique(labels)}
    sets: list[ExampleSet] = [{} for _ in range(n_sets)]
    largest = max(map(len, classes.values()))
    if not is_repeated:
        n_per_class = min(n_per_class, -(-largest // n_sets))
    for label, rows in classes.items():
        uses = np.zeros(len(rows))
        n_needed = n_sets * n_per_class
        by_chance = rng.choice(rows, n_needed, replace=len(rows) < n_needed)
        for place, own in enumerate(sets):
            least_used = np.lexsort((rng.random(len(rows)), uses))[:n_per_class]
            uses[least_used] += 1
            start = place * n_per_class
            drawn = by_chance[start : start + n_per_class]
            own[label] = (drawn if is_repeated else rows[least_used]).tolist()
    return sets


def fit_sets(
    written: CsvRows,
    sets: list[ExampleSet],
    max_tokens: int,
    wanted: Collection[int] = (),
) -> list[ExampleSet]:
    """Return sets without as many rows as are beyond ``max_tokens``; one row stays.

    Rows are taken from where there are most, so that classes stay balanced; then the
    last sets go, and at last classes that are not wanted.

    Parameters
    ----------
    written : CsvRows
    sets : list of dict of int to list of int
    max_tokens : int
    wanted : collection of int, default=()
        Classes that rows are wanted of.
    """
    sets = [{label: list(rows) for label, rows in own.items()} for own in sets]
    all_rows = {row for own in sets for rows in own.values() for row in rows}
    costs = {row: count_tokens(written.write([row])) + 1 for row in all_rows}
    n_tokens = count_tokens(write_sets(written, sets))
    groups = [
        (-len(rows), -place, label in wanted, -label)
        for place, own in enumerate(sets)
        for label, rows in own.items()
    ]
    heapq.heapify(groups)
    while n_tokens > max_tokens and -sum(group[0] for group in groups) > 1:
        size, place, is_wanted, label = heapq.heappop(groups)
        n_tokens -= costs[sets[-place][-label].pop()]
        if size < -1:
            heapq.heappush(groups, (size + 1, place, is_wanted, label))
        else:  # its line, or the header of its set, goes as well
            n_tokens = count_tokens(write_sets(written, sets))
    return sets


def write_sets(written: CsvRows, sets: list[ExampleSet]) -> str:
    """Return sets as CSV: the header before each, and a line before each class."""
    texts = []
    for own in sets:
        groups = [
            f"{name_class(label)}\n{written.write(rows)}"
            for label, rows in own.items()
            if rows
        ]
        if groups:
            texts.append("\n".join([written.header, *groups]))
    return "\n\n".join(texts)


def put_shown_last(written: CsvRows, sets: list[ExampleSet], reply: str) -> str:
    """Return a reply in which lines of the sets come last.

    A model that goes on with a list may begin by repeating it: what is new comes first.
    """
    shown = {*write_sets(written, sets).splitlines()} - {written.header}
    lines = [line.strip() for line in reply.splitlines()]
    repeated = [line for line in lines if line in shown]
    if not repeated:
        return reply
    new = [line for line in lines if line not in shown]
    return "\n".join([*new, written.header, *repeated])


def name_class(label: int) -> str:
    """Return the line before the rows of a class: "A.", "B.", … "Z.", "AA.", …."""
    name, rest = "", label + 1
    while rest:
        rest, place = divmod(rest - 1, len(LETTERS))
        name = LETTERS[place] + name
    return f"{name}."


def draw_tokens(
    context: PromptContext, rng: np.random.Generator
) -> Mapping[str, list[str]]:
    """Return a random word per level of each column, the label's included.

    A word is a capital letter and more of them or digits. No two levels of the table
    have the same, and none is the name of a level.
    """
    keys = [context.label_key, *context.columns_by_key()]
    levels = {key: context.formatter(key).levels for key in keys}
    taken = {str(level).upper() for own in levels.values() for level in own}
    n_levels = sum(map(len, levels.values()))
    length = TOKEN_LENGTH
    while _count_words(length) < MIN_SPARE * (n_levels + len(taken)):
        length += 1
    drawn = rng.choice(_count_words(length), n_levels + len(taken), replace=False)
    words = (_spell_word(int(number), length) for number in drawn)
    free = (word for word in words if word not in taken)
    return {key: [next(free) for _ in own] for key, own in levels.items() if own}


def _count_words(length: int) -> int:
    return int(len(LETTERS) * len(TOKEN_SIGNS) ** (length - 1))


def _spell_word(number: int, length: int) -> str:
    signs = []
    for _ in range(length - 1):
        number, place = divmod(number, len(TOKEN_SIGNS))
        signs.append(TOKEN_SIGNS[place])
    return LETTERS[number] + "".join(signs)
