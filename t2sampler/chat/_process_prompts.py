"""Text of the messages about a data generation process: to its writer and optimizer."""

from collections.abc import Sequence

from t2sampler.chat._context import PromptContext
from t2sampler.chat._data_process import MAX_TASK_WORDS, DataProcess, list_links
from t2sampler.chat._formatting import quote
from t2sampler.chat._parse_reply import ID
from t2sampler.chat._prompts import (
    AGAIN,
    NULLS,
    count_labels,
    fill,
    list_rows,
    write_table,
)


def write_process_rows(
    context: PromptContext,
    process: DataProcess,
    labels: Sequence[int],
    shown: Sequence[int],
    conditions: str,
    *,
    batch: int,
    is_again: bool,
) -> str:
    """Return the question for rows that come about as a process says.

    Parameters
    ----------
    context : PromptContext
    process : DataProcess
    labels : sequence of int
        Label code of each row.
    shown : sequence of int
        Real rows of this question alone, beside those of the system message.
    conditions : str
        What every row has to meet; "" for nothing.
    batch : int
        A number that tells apart questions which differ in nothing else.
    is_again : bool
        These rows were asked for before.
    """
    keys = [*context.columns_by_key(), context.label_key]
    values = ",".join(f"{quote(key)}:…" for key in keys)
    has_missing = any(context.formatter(key).column.missing for key in keys)
    return fill(
        "process_rows",
        batch=str(batch),
        structure=list_links(process.structure),
        task=quote(process.task),  # a model wrote it: it is data
        examples=list_rows(context, shown),
        n_rows=str(len(labels)),
        label=quote(context.label_key),
        guide=fill("guide" if context.example_rows else "guide_without_rows"),
        nulls=NULLS if has_missing else "",
        conditions=f" Each of them has {conditions}." if conditions else "",
        form=f'{{"rows":[{{"{ID}":1,{values}}},…]}}',
        again=AGAIN if is_again else "",
        rows="\n".join(count_labels(context, labels)),
    )


def write_optimizer(
    context: PromptContext,
    scored: Sequence[tuple[DataProcess, float | None]],
    *,
    with_rows: bool,
) -> tuple[tuple[str, str], ...]:
    """Return the messages that ask for a better process.

    Parameters
    ----------
    context : PromptContext
    scored : sequence of (DataProcess, float or None)
        The best so far and their scores, in the order in which they are listed; None:
        too few of its rows could be used.
    with_rows : bool
        The optimizer sees the real rows that every question shows.
    """
    keys = [*context.columns_by_key(), context.label_key]
    question = fill(
        "optimizer_question",
        descriptions="\n".join(_describe(process, score) for process, score in scored),
        label=quote(context.label_key),
        n_words=str(MAX_TASK_WORDS),
        keys=", ".join(map(quote, keys)),
    )
    examples = list_rows(context, context.example_rows if with_rows else [])
    system = fill("optimizer", table=write_table(context), examples=examples)
    return ("system", system), ("user", question)


def _describe(process: DataProcess, score: float | None) -> str:
    title = "No score: too few rows of use" if score is None else f"Score {score:.0%}"
    links = list_links(process.structure)
    return f"{title}\nLinks:\n{links}\nText: {quote(process.task)}"
