"""A progress bar: rows accepted, and what the generator spent so far."""

import sys
import warnings
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

from tqdm import TqdmWarning, tqdm

from t2sampler.generators._base import read_optional

REFRESH_S = 0.5
LOG_S = 10  # where nobody looks at it, each state of a bar is a line
WATCH_S = 2  # there may be thousands of files


@contextmanager
def show_progress(n_rows, generator, is_shown):
    """Yield a function that is told the rows accepted and the batches drawn by a wave.

    A generator that talks to a model is asked for its ``usage_`` twice a second, so
    that the bar moves while answers are awaited.
    """
    with open_bar(n_rows, "row", is_shown) as bar:
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
    with open_bar(len(paths), "file", is_shown) as bar:
        is_over = Event()
        if is_shown:
            Thread(target=_count_files, args=(bar, paths, is_over), daemon=True).start()
        try:
            yield
        finally:
            is_over.set()
        bar.update(len(paths) - bar.n)


def open_bar(total, unit, is_shown):
    """Return a progress bar: of widgets in a notebook that has them, else of text."""
    if not is_shown:
        return tqdm(disable=True)
    with warnings.catch_warnings():
        # In a notebook without ipywidgets tqdm recommends them, and writes text.
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm as choose_bar
    bar = choose_bar(total=total, unit=unit, miniters=0, mininterval=REFRESH_S)
    if not hasattr(bar, "container") and not sys.stderr.isatty():
        bar.mininterval = LOG_S
    return bar


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
    words = [f"{n_batches} batches drawn last"]
    if read_optional(generator, "usage_") is not None:
        words.append(say_usage(generator.usage_))
    bar.set_postfix_str(", ".join(words), refresh=False)
    bar.update(n_accepted)


def _refresh(bar, generator, is_over):
    while not is_over.wait(REFRESH_S):
        bar.set_postfix_str(say_usage(generator.usage_), refresh=False)
        bar.update(0)


def _count_files(bar, paths, is_over):
    while not is_over.wait(WATCH_S):
        bar.update(sum(path.exists() for path in paths) - bar.n)
