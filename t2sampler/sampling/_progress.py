"""A progress bar: rows accepted, and what the generator spent so far."""

from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

from tqdm.auto import tqdm

from t2sampler.generators._base import read_optional

REFRESH_S = 0.5
WATCH_S = 2  # there may be thousands of files


@contextmanager
def show_progress(n_rows, generator, is_shown):
    """Yield a function that is told the rows accepted and the batches drawn by a wave.

    A generator that talks to a model is asked for its ``usage_`` twice a second, so
    that the bar moves while answers are awaited.
    """
    with tqdm(total=n_rows, unit="row", disable=not is_shown) as bar:
        is_over = Event()
        if is_shown and read_optional(generator, "usage_") is not None:
            refresh = partial(_refresh, bar, generator, is_over)
            Thread(target=refresh, daemon=True).start()
        try:
            yield partial(_advance, bar, generator)
        finally:
            is_over.set()


@contextmanager
def watch_files(paths, is_shown):
    """Show how many of the files are there; whoever writes them need not tell."""
    with tqdm(total=len(paths), unit="file", disable=not is_shown) as bar:
        is_over = Event()
        if is_shown:
            Thread(target=_count_files, args=(bar, paths, is_over), daemon=True).start()
        try:
            yield
        finally:
            is_over.set()
        bar.update(len(paths) - bar.n)


def say_usage(usage):
    """Return calls, tokens and cost of a table of usage, in words.

    Examples
    --------
    >>> import pandas as pd
    >>> table = {"calls": [1, 4], "stored": [0, 2], "cost": [0.01, 0.02]}
    >>> tokens = {"input_tokens": [900, 2000], "output_tokens": [100, 300]}
    >>> say_usage(pd.DataFrame({**table, **tokens}))
    '5 calls, 3,300 tokens, cost 0.03'
    """
    n_tokens = int(usage["input_tokens"].sum() + usage["output_tokens"].sum())
    words = [f"{int(usage['calls'].sum()):,} calls", f"{n_tokens:,} tokens"]
    cost = usage["cost"].astype(float)
    if len(cost) and cost.notna().all():
        words.append(f"cost {cost.sum():.2f}")
    return ", ".join(words)


def _advance(bar, generator, n_accepted, n_batches):
    bar.update(n_accepted)
    words = [f"{n_batches} batches drawn last"]
    if read_optional(generator, "usage_") is not None:
        words.append(say_usage(generator.usage_))
    bar.set_postfix_str(", ".join(words))


def _refresh(bar, generator, is_over):
    while not is_over.wait(REFRESH_S):
        bar.set_postfix_str(say_usage(generator.usage_))


def _count_files(bar, paths, is_over):
    while not is_over.wait(WATCH_S):
        bar.update(sum(path.exists() for path in paths) - bar.n)
