"""Run the cells of a benchmark into one tidy CSV, and go on after a stop."""

import argparse
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


def run_cells(run_cell, cells, keys, args):
    """Run the cells that ``args.out`` does not hold yet; return all rows.

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
    rows = pd.read_csv(args.out) if args.out.exists() else pd.DataFrame(columns=keys)
    finished = set(rows[keys].itertuples(index=False, name=None))
    todo = [cell for cell in cells if cell not in finished]
    jobs = Parallel(args.n_jobs, return_as="generator_unordered")
    results = jobs(delayed(run_cell)(*cell) for cell in todo)
    for new in tqdm(results, total=len(todo), unit="cell", file=sys.stderr):
        header = not args.out.exists()
        pd.DataFrame(new).to_csv(args.out, mode="a", header=header, index=False)
    return pd.read_csv(args.out)


def with_errors(values, by):
    """Return means and standard errors as text, a row per group."""
    groups = values.groupby(by, sort=False)
    means, errors = groups.mean().round(2), groups.sem().round(2)
    return means.astype(str) + " ± " + errors.astype(str)


def write_summary(table, script, args):
    """Write ``args.summary`` for the page of results: the command, then the table."""
    if args.summary is None:
        return
    quick = " --quick" if args.quick else ""
    target = f"--summary docs/results/{args.summary.name}"
    command = f"python benchmarks/{script}{quick} --seeds {args.seeds} {target}"
    text = f"# {command}\n{table.to_csv(index=False)}"
    args.summary.write_text(text, encoding="utf-8")
