"""How fast is it? Each part beside a yardstick timed in the same run.

Machines differ, and ratios do not. Parts:

- "100 x 30", "1000 x 15": the steps of `fit_resample` on a made table of so many rows
  and columns with a minority of 30 %, as multiples of one random forest of 100 trees
  fitted on the same rows, with SMOTE beside; the least of five;
- "small trim": 10 batches of 20 against 100 real rows, true candidates and ones of
  which 30 % have a wrong label; the least of five;
- "adult": fit and 100,000 rows of Adult against SMOTENC (see `speed_team.py`);
- "bulk": the filters over 10^4, 10^5 and 10^6 candidates with 14 mixed columns, and
  memory as a multiple of the encoded candidates;
- "null of tau": `speed_null.py`, the null of tau against refitting.

``--before PATH`` times a checkout of another version, too: both in turn, each in
processes of its own, ``--rounds`` times, and the least seconds count. About five
minutes a version and round on two cores, most of them for "bulk"; ``--quick`` takes
one. No tokens.

    python benchmarks/speed.py --before ../earlier --parts "100 x 30" --out speed.csv
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pandas as pd
from _speed_parts import FOREST, SMOTENC, list_parts
from _tables import get_data_home

HERE = Path(__file__).parent
NULL, REFITTING = "null of tau", "refitting"
PARTS = [*list_parts(is_quick=False), NULL]
REAL_TABLES = {"small trim", "adult", "bulk"}
YARDSTICKS = [FOREST, SMOTENC, REFITTING]
BEFORE, NOW = "before", "now"
KEYS = ["part", "step", "rows"]


def run(root, script, *arguments):
    """Run a script with the package of a checkout; return what it prints."""
    command = [sys.executable, str(script), *arguments]
    env = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def time_part(root, part, quick):
    """Return the rows of one part, timed with the package of a checkout."""
    if part != NULL:
        text = run(root, HERE / "_speed_parts.py", part, *quick)
        return pd.read_csv(StringIO(text)).assign(part=part)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "null.csv"
        # It looks into the filter: each version has its own.
        run(root, root / "benchmarks" / "speed_null.py", "--out", str(out), *quick)
        figures = pd.read_csv(out).iloc[0]
    steps = {REFITTING: "seconds_refit", "Newton steps in batches": "seconds_batched"}
    rows = [
        {"step": step, "rows": int(figures["n_draws"]), "seconds": figures[name]}
        for step, name in steps.items()
    ]
    return pd.DataFrame(rows).assign(part=part)


def time_all(roots, args):
    """Yield the rows of each part, the versions in turn."""
    quick = ["--quick"] if args.quick else []
    for part, _ in itertools.product(args.parts, range(args.rounds)):
        for version, root in roots.items():
            yield time_part(root, part, quick).assign(version=version)


def summarise(rows):
    """Return least seconds, and multiples of a yardstick, a row per part and step.

    Parameters
    ----------
    rows : DataFrame
        Of `time_all`.
    """
    figures = [name for name in ("seconds", "memory") if name in rows]
    best = rows.groupby([*KEYS, "version"], sort=False)[figures].min()
    parts = {}
    for version, part in best.groupby("version", sort=False):
        table = part.droplevel("version")
        is_unit = table.index.get_level_values("step").isin(YARDSTICKS)
        units = table["seconds"].where(is_unit).groupby("part").transform("max")
        table.insert(1, "yardsticks", table["seconds"] / units)
        parts[version] = table
    table = pd.concat(parts, axis=1, names=["version"])
    if BEFORE in parts:
        ratio = parts[BEFORE]["seconds"] / parts[NOW]["seconds"]
        table["before / now", ""] = ratio
    return table


def main(argv=None):
    """Time the parts, print them and write one CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed.csv"))
    parser.add_argument("--before", type=Path, help="checkout of another version")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few rows, to try it")
    args = parser.parse_args(argv)
    if get_data_home() is None and REAL_TABLES & set(args.parts):
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    roots = {NOW: HERE.parent}
    if args.before is not None:
        roots = {BEFORE: args.before.resolve(), **roots}
    table = summarise(pd.concat(time_all(roots, args)))
    table.columns = [", ".join(filter(None, name)) for name in table]
    table.to_csv(args.out)
    print(table.round(3).to_string(na_rep=""))


if __name__ == "__main__":
    main()
