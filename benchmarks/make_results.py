"""Write ``docs/results.md`` from the tables in ``docs/results``.

The first line of every CSV there is the command that made it, as the scripts of this
folder write it with ``--summary``; title and text on the page are that script's
docstring. Nothing is measured here.

    python benchmarks/make_results.py          # rewrites the page
    python benchmarks/make_results.py --check  # exits with 1 where it is stale
"""

import argparse
import ast
import sys
from itertools import takewhile
from pathlib import Path

import pandas as pd

BENCHMARKS = Path(__file__).parent
FOLDER = BENCHMARKS.parent / "docs" / "results"
PAGE = FOLDER.with_suffix(".md")
MARK = "# "
TIDY = ["part", "row", "column", "cell"]  # several tables in one file
FILES = "One tidy CSV"  # how the paragraph of a docstring starts that the page omits
INTRO = """\
# What was measured

This page is written by `python benchmarks/make_results.py` from the tables in
`docs/results`; a test fails when it is stale. Every table names the command that made
it, and says what the paper leaves open and what was chosen instead. With `--figure
name.png` each command draws the gains with their intervals.

Cells are the mean over seeds ± its standard error (s.e.; none with a single seed). In
brackets stands the published value, where there is one, and how far ours is from it, in
standard errors of ours: published values come without one. Their list is
`benchmarks/published.csv`. Rows of "team", "default filters", "cost alone" and of
settings of the cost filter were made before the default trim and the label ensemble
were rewritten, where the command names neither `--rules` nor `--learners`: it gives
other figures now. T2 in the paper is a team of language models, "team, paper_protocol"
here is the team of statistics, which asks no model.
"""


def render(folder=FOLDER):
    """Return the page as text.

    Parameters
    ----------
    folder : Path
        Its CSVs become one section each, in the order of their names.
    """
    paths = sorted(folder.glob("*.csv"))
    scripts = [find_script(read_command(path)) for path in paths]
    sections = [
        render_section(path, is_again=script in scripts[:i])
        for i, (path, script) in enumerate(zip(paths, scripts, strict=True))
    ]
    return "\n".join([INTRO, *sections])


def render_section(path, is_again=False):
    """Return title, command and tables of one CSV.

    Another part of what a script measures refers to the section before it.
    """
    command = read_command(path)
    table = pd.read_csv(
        path, skiprows=1, keep_default_na=False, na_values=[""], dtype={"cell": str}
    )
    title, *notes = read_doc(command)
    if is_again:
        title, notes = f"{title.rstrip('.')} (another part)", ["As above."]
    parts = [f"## {title.rstrip('.')}\n", f"```\n{command}\n```\n"]
    parts += [f"{note}\n" for note in notes]
    if list(table) == TIDY:
        parts += render_tidy(table)
    elif "method" in table and "block" in table:
        n_seeds = table["seeds"].max()
        parts.append(f"{n_seeds} seeds.\n")
        parts += render_comparison(table)
    else:
        parts.append(to_markdown(table))
    return "\n".join(parts)


def read_command(path):
    """Return the command in the first line of a CSV."""
    with path.open(encoding="utf-8") as lines:
        first = next(lines, "").rstrip("\n")
    if not first.startswith(MARK):
        raise ValueError(
            f"{path.name} expected its first line to be '# ' and the command that made "
            f"it, got {first!r}. Write it with --summary."
        )
    return first.removeprefix(MARK)


def find_script(command):
    """Return the file that a command runs."""
    return Path(next(word for word in command.split() if word.endswith(".py"))).name


def read_doc(command):
    """Return title and paragraphs of the script a command runs, up to its files."""
    tree = ast.parse((BENCHMARKS / find_script(command)).read_text(encoding="utf-8"))
    paragraphs = ast.get_docstring(tree).split("\n\n")
    return list(takewhile(lambda text: not text.startswith(FILES), paragraphs))


def render_tidy(table):
    """Yield each of several tables under its title."""
    for title, part in table.groupby("part", sort=False):
        wide = part.pivot(index="row", columns="column", values="cell")
        wide = wide.reindex(index=part["row"].unique(), columns=part["column"].unique())
        yield f"{title}:\n"
        yield to_markdown(wide.fillna("").rename_axis(" ").reset_index())


def render_comparison(table):
    """Yield a Markdown table per scoring and block, a row per method."""
    is_wide = table["column"].nunique() == 1
    scorings = table["scoring"].astype(object).fillna("")
    for scoring, part in table.groupby(scorings, sort=False):
        if is_wide:
            name = part["column"].iloc[0]
            yield f"{join(name, scoring)}:\n"
            yield to_markdown(pivot(part, "block"))
            continue
        for block, rows in part.groupby("block", sort=False):
            yield f"{join(block, scoring)}:\n"
            yield to_markdown(pivot(rows, "column"))


def join(*words):
    """Return the words that are there, with commas."""
    return ", ".join(word for word in words if word)


def pivot(rows, across):
    """Return a table of cells, a row per method and a column per ``across``."""
    cells = rows.assign(cell=[format_cell(row) for _, row in rows.iterrows()])
    wide = cells.pivot(index="method", columns=across, values="cell")
    wide = wide.reindex(index=rows["method"].unique(), columns=rows[across].unique())
    return wide.fillna("").reset_index()


def format_cell(row):
    """Return mean, error and published value as text."""
    text = f"{row['ours']:.2f}"
    if pd.notna(row["error"]):
        text += f" ± {row['error']:.2f}"
    if pd.isna(row["published"]):
        return text
    distance = f", {row['in s.e.']:+.2f} s.e." if pd.notna(row["in s.e."]) else ""
    return f"{text} [{row['published']:.2f}{distance}]"


def to_markdown(table):
    """Return a table as Markdown."""
    rows = [list(table), ["---"] * table.shape[1], *table.astype(str).to_numpy()]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def main(argv=None):
    """Write the page, or tell whether it is stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args(argv)
    page = render()
    if not args.check:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"{PAGE.name} is stale. Run python benchmarks/make_results.py.")


if __name__ == "__main__":
    main()
