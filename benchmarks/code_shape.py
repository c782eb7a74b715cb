"""How much code there is, how it is cut, and how many files one call enters.

Everything is counted from the sources of the package that is imported, so that two
versions can be compared: run it with ``PYTHONPATH`` set to each. Lines of code hold a
token that is neither comment nor docstring; a private helper is a function whose name
starts with an underscore or that is not exported, and it has one caller if its name
occurs once outside its own definition; a module has one importer if one other module
of the package names it. A file is entered by a call if one of its functions runs.

One line per figure; a few seconds; no tokens.

    python benchmarks/code_shape.py --out code_shape.csv
"""

import argparse
import ast
import importlib
import io
import statistics
import sys
import tokenize
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

import t2sampler
from t2sampler import CostAssessmentFilter, TeamThenTrimSampler
from t2sampler.generators import StatisticalTeam

ROOT = Path(t2sampler.__file__).parent
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
COUNTED = ("open_table", "open_frame", "learn", "encode", "infer_constraints")


def read_sources():
    """Return source and tree of every module, by its dotted name."""
    sources = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        text = path.read_text(encoding="utf-8")
        sources[".".join(parts)] = text, ast.parse(text)
    return sources


def find_docstrings(tree):
    """Return the docstring nodes of a module."""
    owners = (ast.Module, ast.ClassDef, *FUNCTIONS.__args__)
    return [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and ast.get_docstring(node)
    ]


def count_lines(text, tree):
    """Return lines, lines of code, of docstrings, of comments and blank ones."""
    in_docstring = {
        line
        for node in find_docstrings(tree)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    code, comments = set(), set()
    skipped = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    skipped |= {tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        lines = range(token.start[0], token.end[0] + 1)
        if token.type == tokenize.COMMENT:
            comments.update(lines)
        elif token.type not in skipped:
            code.update(lines)
    return {
        "lines": len(text.splitlines()),
        "code": len(code - in_docstring),
        "docstrings": len(in_docstring),
        "comments": len(comments),
        "not blank": sum(bool(line.strip()) for line in text.splitlines()),
    }


def find_exported(sources):
    """Return the names that a package's ``__all__`` lists."""
    names = set()
    for name in sources:
        if not any(part.startswith("_") for part in name.split(".")[1:-1]):
            module = importlib.import_module(name.removesuffix(".__init__"))
            names.update(getattr(module, "__all__", ()))
    return names


def measure_size(sources):
    counts = [count_lines(text, tree) for text, tree in sources.values()]
    total = Counter()
    for count in counts:
        total.update(count)
    lengths = [count["lines"] for count in counts]
    functions = [
        node
        for _, tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
    ]
    sizes = [
        count_lines(text, ast.parse(text))["code"]
        for text in map(ast.unparse, functions)
    ]
    return {
        "files": len(sources),
        **{name: total[name] for name in ("lines", "code", "docstrings", "comments")},
        "comments per 100 lines that are not blank": round(
            100 * total["comments"] / total["not blank"], 1
        ),
        "docstrings, share of lines that are not blank": round(
            100 * total["docstrings"] / total["not blank"]
        ),
        "lines of a file, median": statistics.median(lengths),
        "lines of a file, most": max(lengths),
        "functions": len(functions),
        "code of a function, median": statistics.median(sizes),
        "code of a function, 90th percentile": int(np.percentile(sizes, 90)),
        "code of a function, most": max(sizes),
    }


def measure_shape(sources):
    exported = find_exported(sources)
    trees = {name: tree for name, (_, tree) in sources.items()}
    classes = [
        (module, node.name)
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    own_file = [
        module
        for module, name in classes
        if name in exported
        and module.rpartition(".")[2].strip("_").replace("_", "") == name.lower()
    ]
    constants = [
        node
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and is_numeric(node.value)
    ]
    return {
        "exported names": len(exported),
        "classes": len(classes),
        "classes that are not exported": sum(c not in exported for _, c in classes),
        "class names that occur more than once": sum(
            count > 1 for count in Counter(name for _, name in classes).values()
        ),
        "exported classes in a file of their name": len(own_file),
        "modules with one importer": count_single_importers(trees),
        "helpers with one caller": count_single_callers(trees, exported),
        "numeric constants of modules": len(constants),
    }


def is_numeric(node):
    """Tell whether an expression holds numbers and no name."""
    parts = list(ast.walk(node))
    has_number = any(
        isinstance(part, ast.Constant) and type(part.value) in (int, float)
        for part in parts
    )
    return has_number and not any(isinstance(part, ast.Call) for part in parts)


def count_single_importers(trees):
    importers = Counter()
    for module, tree in trees.items():
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                named.add(node.module)
                named.update(f"{node.module}.{alias.name}" for alias in node.names)
        importers.update(named & trees.keys() - {module})
    return sum(importers[module] == 1 for module in trees)


def count_single_callers(trees, exported):
    uses = Counter()
    defined = Counter()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                defined[node.name] += 1
            elif isinstance(node, ast.Name):
                uses[node.id] += 1
            elif isinstance(node, ast.Attribute):
                uses[node.attr] += 1
    return sum(
        uses[name] == 1 and count == 1 and name not in exported
        for name, count in defined.items()
    )


@contextmanager
def watch_calls(entered, calls):
    """Note the package's files and functions that run."""

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(ROOT)):
            entered.add(frame.f_code.co_filename)
            calls[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


def measure_calls():
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b", "c"], 75)
    X = pd.DataFrame({"x": rng.normal(size=75), "u": rng.normal(size=75)})
    X = X.assign(kind=kinds, n=rng.integers(9, size=75))
    y = pd.Series((X["x"] + (kinds == "a") > 0.9).astype(int))
    new, labels = X.iloc[:40], y.iloc[:40]
    trim = CostAssessmentFilter(random_state=0).fit(X, y)
    runs = {
        "CostAssessmentFilter.inspect": lambda: trim.inspect(new, labels),
        "fit_resample": lambda: TeamThenTrimSampler(random_state=0).fit_resample(X, y),
        "StatisticalTeam.fit": lambda: StatisticalTeam().fit(X, y),
    }
    found = {}
    for name, run in runs.items():
        entered, calls = set(), Counter()
        with watch_calls(entered, calls):
            run()
        found[f"files entered by {name}"] = len(entered)
        if name == "fit_resample":
            found |= {f"calls of {name}: {f}": calls[f] for f in COUNTED}
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="CSV to write")
    options = parser.parse_args(arguments)
    sources = read_sources()
    figures = measure_size(sources) | measure_shape(sources) | measure_calls()
    for name, figure in figures.items():
        print(f"{name:<52} {figure:>9,}")
    if options.out:
        table = pd.Series(figures, name="value").rename_axis("figure")
        table.to_csv(options.out)


if __name__ == "__main__":
    main()
