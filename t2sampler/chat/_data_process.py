"""Data generation process: how a table's rows come about, as a graph and in words."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2sampler.chat._context import PromptContext
from t2sampler.chat._formatting import quote
from t2sampler.chat._parse_reply import find_objects, load_json, make_key_finder
from t2sampler.chat._prompts import write_table
from t2sampler.chat._reply_schema import strict_object
from t2sampler.chat._rules import MAX_LISTED_KEYS
from t2sampler.team._causal_structure import find_cycle, learn_structure

FIRST_TASK = (
    "New rows should be as real ones are: each column follows from those it depends "
    "on, and no two columns go together in another way than in the real rows."
)
MAX_TASK_WORDS, MAX_TASK = 250, 2000  # words asked for, characters that are read
Links = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class DataProcess:
    """How the rows of a table come about, as a language model is told.

    Attributes
    ----------
    context : str
        What the table is about.
    columns : str
        The data schema: columns and their values, in words.
    structure : dict of str to tuple of str
        The columns that each column directly depends on, by the keys that prompts have
        for columns: their names, where these are short and plain.
    task : str
        What a writer of rows should heed.
    """

    context: str
    columns: str
    structure: Mapping[str, tuple[str, ...]]
    task: str

    def __str__(self) -> str:
        """Return the process as it can be read."""
        parts = {
            "Context": self.context or "not given",
            "Columns": self.columns,
            "Causal structure": list_links(self.structure),
            "Task": self.task,
        }
        return "\n\n".join(f"{title}:\n{text}" for title, text in parts.items())


def start_process(context: PromptContext, structure: Links) -> DataProcess:
    """Return the process before anything has been improved."""
    complete = {key: tuple(structure.get(key, ())) for key in _keys(context)}
    about = " ".join(context.table_description.split())
    return DataProcess(about, write_table(context), complete, FIRST_TASK)


def find_structure(context: PromptContext) -> dict[str, tuple[str, ...]]:
    """Return the structure that the real rows suggest; see `learn_structure`.

    Where an edge may point either way, it points to the label, and else from the key
    that comes first in the alphabet, so that the order of columns does not matter.
    """
    columns = dict(sorted(context.columns_by_key().items()))
    columns[context.label_key] = context.label
    codes = np.column_stack([context.codes_of(key) for key in columns])
    return learn_structure(codes, columns)


def check_structure(
    given: Mapping[Hashable, Sequence[Hashable]], context: PromptContext
) -> dict[str, tuple[str, ...]]:
    """Return a structure that a user gives, by key.

    Parameters
    ----------
    given : mapping of column to sequence of column
        Names of columns and of the label, or their keys.
    context : PromptContext

    Raises
    ------
    ValueError
        An unknown column, or columns that depend on each other in a circle.
    """
    keys: dict[Hashable, str] = {key: key for key in _keys(context)}
    keys |= {context.label.name: context.label_key}
    keys |= {column.name: key for key, column in context.columns_by_key().items()}
    structure = {}
    for child, parents in given.items():
        if isinstance(parents, str) or not isinstance(parents, Sequence):
            raise ValueError(
                f"`structure` must map a column to a list of columns, got {parents!r} "
                f"for {child!r}. Give {{column: [columns it depends on]}}."
            )
        for name in (child, *parents):
            if name not in keys:
                raise ValueError(
                    f"`structure` expected columns of the table that are written, got "
                    f"{name!r}. There are {list(keys.values())}."
                )
        structure[keys[child]] = tuple(dict.fromkeys(keys[name] for name in parents))
    if cycle := find_cycle(structure):
        raise ValueError(
            "`structure` must have no circle, got "
            f"{' <- '.join(map(repr, cycle[::-1]))}. Leave one of these links out."
        )
    return structure


def list_links(structure: Links) -> str:
    """Return a line per column that depends on others, each with these."""
    lines = [
        f"{quote(child)} <- {', '.join(map(quote, parents))}"
        for child, parents in structure.items()
        if parents
    ]
    return "\n".join(lines) or "no column is known to depend on another"


def process_schema(context: PromptContext) -> dict[str, Any]:
    """Return the JSON schema of an optimizer's reply."""
    keys, text = _keys(context), {"type": "string"}
    key = {**text, "enum": keys} if len(keys) <= MAX_LISTED_KEYS else text
    link = strict_object({"column": key, "parents": {"type": "array", "items": key}})
    links = {"type": "array", "items": link}
    return strict_object({"structure": links, "task": text})


def parse_process(
    text: str, context: PromptContext, old: DataProcess
) -> tuple[DataProcess | None, list[str]]:
    """Return the process in an optimizer's reply, and what is wrong with the reply.

    Unknown columns are left out, and so is a link that closes a circle, those being
    kept that come first. What the reply lacks is taken from an old process.

    Parameters
    ----------
    text : str
        Whatever a model writes.
    context : PromptContext
    old : DataProcess

    Returns
    -------
    process : DataProcess or None
        None where the reply has neither structure nor task.
    faults : list of str
    """
    content = _find_content(text)
    links, faults = _read_links(content.get("structure"), context)
    task = content.get("task")
    words = task.split() if isinstance(task, str) else []
    if not words:
        faults.append('no text under "task"')
    if links is None and not words:
        return None, faults
    structure = old.structure
    if links is not None:
        structure = {key: tuple(links.get(key, ())) for key in _keys(context)}
    task = " ".join(words)[:MAX_TASK] or old.task
    return DataProcess(old.context, old.columns, structure, task), faults


def _keys(context: PromptContext) -> list[str]:
    return [*context.columns_by_key(), context.label_key]


def _find_content(text: str) -> Mapping[str, Any]:
    """Return the object in a reply that has a structure or a task; {} without one."""
    try:
        content = load_json(text)
    except ValueError:  # prose or a fence around it, or a reply that was cut off
        content = list(find_objects(text))
    if isinstance(content, list):  # a list may hold the object
        parts = (part for part in content if isinstance(part, dict))
        content = next((p for p in parts if {"structure", "task"} & {*p}), {})
    return content if isinstance(content, dict) else {}


def _read_links(
    structure: object, context: PromptContext
) -> tuple[dict[str, list[str]] | None, list[str]]:
    """Return the parents of each column, None where there is no structure; faults."""
    pairs = _list_pairs(structure)
    if pairs is None:
        return None, ['no list under "structure"']
    find_key = make_key_finder(_keys(context), context.aliases())
    links: dict[str, list[str]] = {}
    unknown, faults = [], []
    for child, parent in pairs:
        keys = find_key(str(child)), find_key(str(parent))
        unknown += [
            str(w) for w, key in zip((child, parent), keys, strict=True) if not key
        ]
        if not all(keys) or keys[1] in links.get(keys[0], ()):
            continue
        parents = links.setdefault(keys[0], [])
        parents.append(keys[1])
        if cycle := find_cycle(links):
            parents.pop()
            faults.append(f"a circle: {' <- '.join(map(quote, cycle[::-1]))}")
    if unknown:
        named = ", ".join(quote(word[:60]) for word in dict.fromkeys(unknown[:10]))
        faults.append(f"unknown columns: {named}")
    return links, faults


def _list_pairs(structure: object) -> list[tuple[object, object]] | None:
    """Return (column, parent) pairs in any of the forms that models write."""
    if isinstance(structure, dict):
        structure = [{"column": c, "parents": p} for c, p in structure.items()]
    if not isinstance(structure, list):
        return None
    pairs: list[tuple[object, object]] = []
    for link in structure:
        parents = link.get("parents") if isinstance(link, dict) else None
        if isinstance(parents, dict):
            parents = parents.get("parents")
        if isinstance(parents, list):
            pairs += [(link.get("column"), parent) for parent in parents]
    return pairs
