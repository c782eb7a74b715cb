"""Time to import: t2sampler beside imbalanced-learn's SMOTE, and the command line.

Each command runs in processes of its own, in turn, so that a busy machine slows all of
them. Times include the start of Python; ratios are to the median of SMOTE. The limits
are 1.2 for the package and its sampler, and 0.3 for help and refused arguments.

Half a minute; ``--runs 3`` for a first look. No tokens.

    python benchmarks/import_time.py
"""

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import pandas as pd

SMOTE = "from imblearn.over_sampling import SMOTE"
AUGMENT = ("-m", "t2sampler", "augment")
COMMANDS = {
    SMOTE: ("-c", SMOTE),
    "import t2sampler": ("-c", "import t2sampler"),
    "its sampler": ("-c", "from t2sampler import TeamThenTrimSampler"),
    "its team of language models": ("-c", "from t2sampler.generators import LLMTeam"),
    "--help": ("-m", "t2sampler", "--help"),
    "--version": ("-m", "t2sampler", "--version"),
    "unknown option": (*AUGMENT, "--speed", "9"),
    "no such file": (*AUGMENT, "no.csv", "--target", "y", "--out", "out.csv"),
    "--factor 0": (*AUGMENT, "--factor", "0"),
}


def measure(arguments):
    """Return the seconds of a new process."""
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return perf_counter() - start


def main(argv=None):
    """Time every command, print medians and ratios, and write them on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(argv)
    rounds = [{n: measure(c) for n, c in COMMANDS.items()} for _ in range(args.runs)]
    seconds = {name: median(times[name] for times in rounds) for name in COMMANDS}
    table = pd.DataFrame({"seconds": seconds}).rename_axis("command")
    table["ratio"] = table["seconds"] / table.at[SMOTE, "seconds"]
    print(table.round(3).to_string())
    if args.out is not None:
        table.to_csv(args.out)


if __name__ == "__main__":
    main()
