"""A comparison prints, and makes a page and a figure."""

import dataclasses
import re
import sys

import matplotlib.pyplot as plt
import pytest

from t2sampler.exceptions import T2SamplerWarning

plt.switch_backend("agg")
LONG = "a sampler whose name is much too long for the line"


def test_prints_within_88_columns(make_comparison):
    gains = {"class weights": 0.0123, "mine": -0.5, LONG: 0.25}

    text = str(make_comparison(gains, learners=("one", "another learner")))

    lines = text.splitlines()
    assert max(map(len, lines)) <= 88
    assert lines[0].startswith("mine hurts with 500 rows")
    assert sum(line.startswith("  class weights ") for line in lines) == 2
    assert sum(line.startswith("  a sampler whose name i…") for line in lines) == 2
    (row, _) = (line for line in lines if line.startswith("  mine "))
    assert row.split()[2:5] == ["-0.500", "±", "0.001"]


def test_the_primary_score_comes_first(make_comparison):
    text = str(make_comparison({"mine": 0.0}, scoring="log_loss"))

    header = next(line for line in text.splitlines() if "vs nothing" in line)
    assert header.split()[:3] == ["log", "loss", "vs"]


def test_shell_shows_what_print_shows(make_comparison):
    found = make_comparison({"mine": 0.0})

    assert repr(found) == str(found)


def test_is_frozen(make_comparison):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_comparison({"mine": 0.0}).verdict = "helps"


def test_html_is_escaped(make_comparison):
    found = make_comparison({"<b>": 0.0}, learners=("x<y", "z"))

    html = found._repr_html_()

    assert "&lt;b&gt;" in html
    assert "x&lt;y" in html
    assert not re.search("<b>|x<y", html)


def test_page_holds_verdict_table_and_figure(make_comparison, tmp_path):
    found = make_comparison({"class weights": 0.01, "mine": 0.05}, learners=("a", "b"))

    found.save(tmp_path / "page.html", title="Mine & yours")

    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>Mine &amp; yours</h1>" in page
    for sentence in found.verdict.split(". "):
        assert sentence in page
    assert page.count("<svg") == 1
    assert "b: class weights" in page  # text of the figure stays text
    assert "src=" not in page


def test_figure_shows_every_difference(make_comparison):
    found = make_comparison({"class weights": 0.01, "mine": -0.05})
    _, ax = plt.subplots()

    assert found.plot(ax) is ax

    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "class weights",
        "mine",
    ]
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert points == pytest.approx([0.01, -0.05])
    assert ax.yaxis_inverted()
    assert found.plot() is not ax
    plt.close("all")


def test_without_matplotlib_the_page_names_the_extra(
    make_comparison, monkeypatch, tmp_path
):
    found = make_comparison({"mine": 0.0})
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    extra = r"pip install 't2sampler\[report\]'"

    with pytest.warns(T2SamplerWarning, match=f"no figure.*{extra}"):
        found.save(tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text("utf-8")
    assert "mine makes no difference" in page
    assert "t2sampler[report]" in page
    assert "<svg" not in page


def test_only_pages_are_saved(make_comparison, tmp_path):
    with pytest.raises(ValueError, match=r"must end in .html or .htm, got .*x.txt"):
        make_comparison({"mine": 0.0}).save(tmp_path / "x.txt")

    assert not [*tmp_path.iterdir()]


def test_names_in_the_figure_are_cut_and_no_formulas(make_comparison):
    found = make_comparison({"$x_1$": 0.0, "long name " * 20: 0.0})

    short, long = found.plot().get_yticklabels()

    assert short.get_text() == "$x_1$"
    assert not short.get_parse_math()
    assert [len(line) <= 44 for line in long.get_text().split("\n")] == [True, True]
    assert long.get_text().endswith("…")
    plt.close("all")
