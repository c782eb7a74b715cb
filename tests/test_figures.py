"""Inline SVG: it takes the colours of the page, and its ids are its own."""

import re
import sys
from xml.etree import ElementTree

import pytest

from t2sampler._figures import COLORS, draw_svg
from t2sampler._pages import render_document


def draw(figure):
    axes = figure.subplots()
    axes.scatter([3, 1, 2], [0, 5, 1], color=COLORS["new"], label="rows & <more>")
    axes.legend()
    axes.grid()
    axes.set_xlabel("age")


def test_figure_takes_the_colours_of_its_page():
    svg = draw_svg(draw, name="map")

    root = ElementTree.fromstring(svg)
    assert "currentColor" in svg
    assert "var(--line)" in svg
    assert COLORS["new"].lower() in svg
    assert not {"#010203", "#040506", "#000000"} & set(re.findall("#[0-9a-f]{6}", svg))
    assert "width" not in root.attrib  # as wide as the page
    assert "rows & <more>" in "".join(root.itertext())


def test_ids_of_two_figures_differ():
    one, other = (draw_svg(draw, name=name) for name in ("a", "b"))

    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, other)]
    used = {*re.findall(r'href="#([^"]+)"', one), *re.findall(r"url\(#([^)]+)\)", one)}
    assert ids[0]
    assert used
    assert not ids[0] & ids[1]
    assert used <= ids[0]
    assert draw_svg(draw, name="a") == one


def test_page_escapes_text_and_loads_nothing():
    page = render_document("a < b", draw_svg(draw, name="map"), lead="<i>")

    assert "<title>a &lt; b</title>" in page
    assert "&lt;i&gt;" in page
    assert not re.findall(r"(?:src|href)=[\"']?https?:", page)


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(ImportError, match=r"t2sampler\[report\]"):
        draw_svg(draw, name="map")
