"""Run the cells of a benchmark into one tidy CSV, and go on after a stop."""

import argparse
import shlex
import sys
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm


def make_parser(doc, out):
    """Return a parser with the options every benchmark takes."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(out), help="one tidy CSV")
    parser.add_argument("--quick", action="store_true", help="a few cells, to try it")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    return parser


def add_outputs(parser, figure=True):
    """Give a parser the options for a figure and for the page of results."""
    if figure:
        parser.add_argument("--figure", type=Path, help="PNG, SVG or PDF of the gains")
    parser.add_argument("--summary", type=Path, help="CSV for the printed tables")
    return parser


def run_cells(run_cell, cells, keys, args):
    """Run the cells that ``args.out`` does not hold yet; return the rows of all.

    Parameters
    ----------
    run_cell : callable
        Takes a cell's values, returns a list of dicts that hold the keys too.
    cells : iterable of tuple
    keys : list of str
        Names of a cell's values.
    args : Namespace
        From `make_parser`.
    """
    cells = list(cells)
    rows = pd.read_csv(args.out) if args.out.exists() else pd.DataFrame(columns=keys)
    finished = set(rows[keys].itertuples(index=False, name=None))
    todo = [cell for cell in cells if cell not in finished]
    jobs = Parallel(args.n_jobs, return_as="generator_unordered")
    results = jobs(delayed(run_cell)(*cell) for cell in todo)
    for new in tqdm(results, total=len(todo), unit="cell", file=sys.stderr):
        header = not args.out.exists()
        pd.DataFrame(new).to_csv(args.out, mode="a", header=header, index=False)
    return pd.DataFrame(cells, columns=keys).merge(pd.read_csv(args.out))


def with_errors(values, by):
    """Return means and standard errors as text, a row per group; one value has none."""
    groups = values.groupby(by, sort=False)
    means = (groups.mean().round(2) + 0.0).astype(str)  # no minus before a zero
    errors = groups.sem().round(2)
    return (means + " ± " + errors.astype(str)).where(errors.notna(), means)


def print_parts(parts):
    """Print tables under their titles."""
    for title, table in parts.items():
        print(f"{title}\n{table.to_string()}\n")


def list_cells(parts):
    """Return tables by title as one tidy table, which the page of results takes apart.

    Parameters
    ----------
    parts : dict of str to DataFrame
    """
    lines = [
        {"part": title, "row": _join(row), "column": _join(column), "cell": cell}
        for title, table in parts.items()
        for row, cells in zip(table.index, table.to_numpy(), strict=True)
        for column, cell in zip(table.columns, cells, strict=True)
    ]
    return pd.DataFrame(lines)


def _join(name):
    return ", ".join(map(str, name)) if isinstance(name, tuple) else name


def write_summary(table, script, args, choices=()):
    """Write ``args.summary`` for the page of results: the command, then the table.

    Parameters
    ----------
    table : DataFrame
    script : str
    args : Namespace
        From `make_parser`.
    choices : iterable of str
        Options, with their values, that the command needs beside the usual ones.
    """
    if args.summary is None:
        return
    flags = [f"--{name}" for name in ("quick", "peers") if getattr(args, name, False)]
    words = ["python", f"benchmarks/{script}", *flags, *choices]
    if getattr(args, "first_seed", 0):
        words.append(f"--first-seed {args.first_seed}")
    words += [f"--seeds {args.seeds}", f"--summary docs/results/{args.summary.name}"]
    command = " ".join(words)
    text = f"# {command}\n{table.to_csv(index=False)}"
    args.summary.write_text(text, encoding="utf-8")


def spell_choices(args, usual):
    """Yield the options by which a part of a benchmark was chosen.

    Parameters
    ----------
    args : Namespace
    usual : dict of str to iterable
        What is run where an option is left out.
    """
    for name, everything in usual.items():
        chosen = list(getattr(args, name))
        if chosen != list(everything):
            yield f"--{name} {shlex.join(map(str, chosen))}"
