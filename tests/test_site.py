"""The site has every public name, and every page within two clicks."""

import importlib
import re
from pathlib import Path

import pytest

import t2sampler

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("plot_*.py"))
SOURCES = [
    DOCS.parent / "README.md",
    *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts),
    *EXAMPLES,
]


def links_of(page):
    """Return the pages and scripts that a page links to."""
    links = re.findall(r"\]\(([^)#:]+)", page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in links}


def listed_names(page):
    """Return the names that a page of the reference makes pages of."""
    blocks = re.findall(r"```\{eval-rst\}\n(.*?)```", page.read_text("utf-8"), re.S)
    (module,) = {re.search(r"currentmodule:: (\S+)", block)[1] for block in blocks}
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    names = [line for line in lines if re.fullmatch(r"\w+", line)]
    return module, names


@pytest.mark.parametrize("module", t2sampler._SUBMODULES)
def test_reference_has_every_public_name_once(module):
    public = importlib.import_module(f"t2sampler.{module}").__all__

    name, listed = listed_names(DOCS / "reference" / f"{module}.md")

    assert name == f"t2sampler.{module}"
    assert sorted(listed) == sorted(public)


def test_names_of_the_package_are_those_of_its_modules():
    """The reference has them there, under one address each."""
    homes = [importlib.import_module(f"t2sampler.{m}") for m in t2sampler._SUBMODULES]

    assert set(t2sampler.__all__) <= {name for home in homes for name in home.__all__}


def test_every_page_is_two_clicks_away():
    front = DOCS / "index.md"
    near = links_of(front)

    reached = near.union(*(links_of(page) for page in near if page.suffix == ".md"))

    pages = {page for page in DOCS.rglob("*.md") if "_build" not in page.parts}
    assert pages - {front} <= reached


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_links_to_elsewhere_are_encrypted(path):
    links = re.findall(r"http:[^\s)\"'>]+", path.read_text(encoding="utf-8"))

    assert not [link for link in links if not link.startswith("http://localhost")]


def test_the_gallery_names_each_example():
    """In an order, with the first run first."""
    order = re.findall(r'"(plot_\w+\.py)"', (DOCS / "conf.py").read_text("utf-8"))

    assert sorted(order) == [path.name for path in EXAMPLES]
    assert order[0] == "plot_first_run.py"
