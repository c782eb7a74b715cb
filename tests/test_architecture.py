"""Imports may only point down the layers; this list is the architecture."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import t2sampler

ROOT = Path(t2sampler.__file__).parent
PROJECT = Path(__file__).parents[1]
LAYERS = [  # lowest first; a part may import its own layer and those below it
    {"exceptions", "_autologging", "_brief", "_records"},
    {
        *("constraints", "datasets"),
        *(
            "_calendar",
            "_column_checks",
            "_containers",
            "_encoding",
            "_figures",
            "_forms",
            "_grid",
            "_index",
        ),
        *("_kinds", "_pages", "_params", "_personal_data", "_schema"),
        *("_storage", "_table", "_text_forms"),
    },
    {"filters", "metrics", "llm", "report", "team"},
    {"chat"},
    {"generators"},
    {"sampling"},
    {
        *("cli", "_cli_values", "_commands", "_demo", "_files", "_csv", "_csv_cells"),
        *("_scripted_replies", "comparison", "testing"),
    },
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
FORBIDDEN = {  # within a layer
    "filters": {"llm", "team"},  # quality control does not know who wrote the rows
    "metrics": {"llm", "team"},
    "llm": {"team"},  # it knows text, not tables
    "report": {"filters", "llm", "team"},  # it reads records, whoever made them
}
LATE = {  # all that is imported inside functions, so that what needs it not is quick
    ("cli.py", "t2sampler._commands"),  # loads scikit-learn; help and mistakes do not
    ("_figures.py", "matplotlib"),  # is an extra
    ("_figures.py", "matplotlib.pyplot"),
    ("_storage.py", "pyarrow.parquet"),  # is an extra
    ("sampling/_progress.py", "tqdm.auto"),  # warns in notebooks without widgets
    ("llm/_connection.py", "openai"),  # loaded when a model is asked
}
QUICK = {  # no third party here
    *("__init__.py", "__main__.py", "cli.py", "_cli_values.py", "exceptions.py"),
}
PRIVATE_ALLOWED = {
    "benchmarks/speed_null.py",  # measures a step that has no public name: the null
    "docs/contributing.md",  # shows code as it stands inside the package
}
SOURCES = sorted(ROOT.rglob("*.py"))


def name_of(path):
    return str(path.relative_to(ROOT))


def imports_of(source):
    """Yield (module, name) for every import; name is None for ``import module``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def imported_parts(path):
    for module, name in imports_of(path.read_text(encoding="utf-8")):
        package, _, part = module.partition(".")
        if package == "t2sampler" and name != "__version__":
            yield part.split(".")[0] if part else name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if part in {"__init__", "__main__"}:
        pytest.skip("the front door may import everything")
    others = set(imported_parts(path)) - {part}

    upward = {other for other in others if LEVEL.get(other, 9) > LEVEL[part]}

    assert not upward, f"{part} (layer {LEVEL[part]}) must not import {upward}"
    assert not others & FORBIDDEN.get(part, set())


def test_page_shows_these_layers():
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")

    shown = re.findall(r"^(\d)  (.+)$", page, re.M)

    assert [int(level) for level, _ in shown] == list(range(len(LAYERS), 0, -1))
    assert [set(parts.split()) for _, parts in shown] == LAYERS[::-1]


def imports_in_functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for module, name in imports_of(ast.unparse(node)):
                yield f"{module}.{name}" if module == "t2sampler" else module


def test_imports_stand_at_the_top():
    late = {
        (name_of(path), module)
        for path in SOURCES
        for module in imports_in_functions(path)
    }

    assert late == LATE


def test_only_the_package_imports_by_name():
    """There a name of the public surface is imported when it is used."""
    users = {
        name_of(path)
        for path in SOURCES
        if re.search(r"\bimport_module\b|__import__", path.read_text(encoding="utf-8"))
    }

    assert users == {"__init__.py"}


def third_party_of(path):
    """Return what a file imports that neither Python nor this package brings."""
    imported = {
        module.split(".")[0] for module, _ in imports_of(path.read_text("utf-8"))
    }
    return imported - sys.stdlib_module_names - {"t2sampler"}


@pytest.mark.parametrize("name", sorted(QUICK))
def test_the_way_to_help_needs_the_standard_library_only(name):
    assert not third_party_of(ROOT / name)


def test_what_is_imported_is_declared_and_no_more():
    """In pyproject.toml, where pip reads it; pyarrow and matplotlib are extras."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    names = {"scikit-learn": "sklearn", "imbalanced-learn": "imblearn"}

    imported = set().union(*map(third_party_of, SOURCES))

    extras = {"pyarrow", "matplotlib"}
    assert imported - extras == {names.get(name, name) for name in declared}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_evaluated(path):
    words = re.findall(r"\b(?:eval|exec)\(|\.query\(", path.read_text(encoding="utf-8"))

    assert not words


def test_benchmarks_and_docs_use_public_names():
    folders = PROJECT / "benchmarks", PROJECT / "docs" / "examples"
    scripts = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    sources = {path: path.read_text(encoding="utf-8") for path in scripts}
    for page in pages:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)
        sources[page] = "\n".join(blocks)

    private = {
        (place, module, name)
        for path, source in sources.items()
        if (place := path.relative_to(PROJECT).as_posix()) not in PRIVATE_ALLOWED
        for module, name in imports_of(source)
        if module.split(".")[0] == "t2sampler"
        and any(word.startswith("_") for word in f"{module}.{name or ''}".split("."))
    }

    assert not private
