"""The page of a run stands alone and shows what the report holds."""

import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, WriteAnything, may_fall_short

from t2sampler import SanityFilter, TeamThenTrimSampler, grow
from t2sampler._records import FATES
from t2sampler.constraints import Between
from t2sampler.exceptions import T2SamplerWarning
from t2sampler.report import RunReport, render_page

N_ROWS = 40
HOSTILE = [
    "<b>&\"x'",
    "$\\alpha$ of $",
    "名前 🙂",
    "<script>alert(1)</script>",
    "a\nb\x01",
]


def make_report(**changes):
    batches = pd.DataFrame({fate: [0, 0] for fate in FATES})
    batches["drawn"], batches["accepted"], batches["cost"] = [4, 4], [3, 2], [1, 2]
    reasons = {"fate": ["cost"] * 3, "reason": ["<script>alert(1)</script>"] * 3}
    parts = {
        "batches": batches,
        "left_out": pd.DataFrame(reasons),
        "classes": pd.DataFrame({"real": [3, 1]}, index=["no", "<b>yes"]),
        "rules": pd.DataFrame(),
        "notes": ("Column '<i>' is empty.",),
        "plan": "age <- <sex>",
    }
    return RunReport(**(parts | changes))


def tags_of(page):
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, attributes))
    parser.feed(page)
    return tags


def pictures_in(page):
    """Return the inline pictures, each of which is well-formed."""
    svgs = re.findall(r"<svg.*?</svg>", page, re.S)
    assert all(ElementTree.fromstring(svg) is not None for svg in svgs)
    return svgs


def check_page(page):
    """Assert that a page stands alone, and shows no cell that means nothing."""
    tags = tags_of(page)
    ids = [value for _, given in tags for name, value in given if name == "id"]
    links = [v for _, given in tags for name, v in given if name.endswith("href")]
    assert len(ids) == len(set(ids))
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not [given for _, given in tags if "src" in dict(given)]
    assert not re.search(r"@import|url\((?!#)", page)
    assert not re.findall(r">\s*(?:nan|-?inf|NaN|NaT|None|&lt;NA&gt;)\s*<", page)
    assert len(page) < 2e6


def run(X, y, **settings):
    sampler = TeamThenTrimSampler(**{"random_state": 0, **settings})
    sampler.fit_resample(X, y)
    return sampler.report_


def test_totals_stand_at_the_top():
    page = render_page(make_report(), title="A run")

    assert "<h1>A run</h1>" in page
    assert "5 of 8 candidates were accepted, from 2 batches." in page


def test_an_empty_run_has_a_page():
    nothing = make_report(batches=pd.DataFrame(columns=list(FATES)))

    assert "Nothing was drawn: the generator gave no rows." in render_page(nothing)
    assert "Nothing was drawn" in repr(nothing)


def test_classes_that_are_balanced_are_the_reason_why_nothing_was_drawn():
    report = run(pd.DataFrame({"a": range(8)}), list("yxyxxyxy"))

    page = render_page(report)

    check_page(page)
    assert "<code>sampling_strategy=grow(2)</code>" in page
    assert "0 candidates" not in page


def test_shifts_are_told_in_words_and_a_blank_name_as_such():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"": rng.normal(size=90), "b": rng.normal(size=90)})
    keep = SanityFilter([Between("b", 0.3, 9)])
    with pytest.warns(T2SamplerWarning):
        report = run(X, [1] * 60 + [0] * 30, sanity=keep, sampling_strategy=grow(2))

    page = render_page(report)

    check_page(page)
    assert "(no name)" in page
    assert not re.search("of_real|real_share|is_shift|p_value", page)
    assert re.search(r"<td>above median</td>\s*<td></td>\s*<td>\d+ of 60 \(", page)


def test_a_report_that_cannot_be_written_leaves_the_one_that_is_there(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        make_report().save(path, title="\ud800")

    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_text_of_the_table_is_escaped():
    page = render_page(make_report(), title="<u>mine</u>")

    names = {tag for tag, _ in tags_of(page)}

    assert not names & {"script", "i", "u", "sex"}
    assert "&lt;b&gt;yes" in page
    assert "&lt;script&gt;alert(1)" in page


def test_page_of_a_mixed_table(mixed_run, tmp_path):
    report = mixed_run.report_

    report.save(tmp_path / "report.html", title="Visits")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    check_page(page)
    n_columns = len(report.rows.real.schema.columns)
    n_decisions, n_plan = 2, 1  # gain and noise; the plan of the team
    assert len(pictures_in(page)) == n_columns + 3 + 2 + n_decisions + n_plan
    assert f"trimmed {report.totals['sanity']}" in page
    assert "breaking the rule “days is from 0 to 12”" in page
    fragment = report._repr_html_()  # what notebooks show
    assert fragment in page
    assert not {"html", "body", "head"} & {tag for tag, _ in tags_of(fragment)}


def test_page_of_language_models(team_run):
    page = render_page(team_run.report_)

    check_page(page)
    assert "<h2>Language models</h2>" in page
    assert page.count("input tokens") == 1  # in the picture
    assert "ScriptedChat" in page  # in the settings
    assert not re.search(r"0x[0-9a-f]{6}", page)


def test_without_matplotlib_there_are_tables_and_a_warning(mixed_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.warns(T2SamplerWarning, match=r"t2sampler\[report\]"):
        page = render_page(mixed_run.report_)

    check_page(page)
    assert not pictures_in(page)
    assert "t2sampler[report]" in page
    assert "<h2>Batches</h2>" in page


def draw_columns():
    """Return columns of every kind that may trouble a picture."""
    rng = np.random.default_rng(1)
    hours = pd.to_timedelta(rng.integers(0, 9000, N_ROWS), unit="h")
    number = rng.normal(size=N_ROWS)
    return {
        "number": number,
        "constant": 7.0,
        "one level": "x",
        "no value": np.nan,
        "zoned": pd.Timestamp("2024-01-01", tz="Europe/Vienna") + hours,
        "hours": hours,
        "flag": rng.random(N_ROWS) < 0.3,
        "huge": number * 1e60,
        "integer": rng.integers(-(2**40), 2**40, N_ROWS),
        "letters": rng.choice(list("abcdefghijklm"), N_ROWS),
    }


LABELS = ["no"] * 28 + ["yes"] * 12
QUICK = {"cost": "passthrough"}
NOTHING_PASSES = {"sanity": SanityFilter([Between("number", 90, 99)]), "max_batches": 2}
CASES = {
    "all kinds": (list(draw_columns()), LABELS, QUICK),
    "one number": (["number"], LABELS, QUICK),
    "nothing varies": (["constant", "one level", "no value"], LABELS, QUICK),
    "batches": (["number", "letters"], LABELS, {"n_batches": 2, **QUICK}),
    "none asked for": (["number", "flag"], ["no", "yes"] * 20, QUICK),
    "none accepted": (["number", "flag"], LABELS, NOTHING_PASSES),
    "many classes": (["number", "hours"], [*range(15), *[15] * 25], QUICK),
}


@may_fall_short
@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.BrokenRuleWarning")
@pytest.mark.parametrize("case", CASES)
def test_odd_tables_have_a_page(case):
    names, labels, settings = CASES[case]
    X = pd.DataFrame(draw_columns())[names]

    page = render_page(run(X, labels, **settings))

    check_page(page)
    assert re.search("candidates were accepted|Nothing was drawn", page)


def test_names_are_no_markup():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({name: rng.normal(size=N_ROWS) for name in HOSTILE})
    X[HOSTILE[0]] = rng.choice(HOSTILE, N_ROWS)

    page = render_page(run(X, np.where(X.index > 30, *HOSTILE[:2]), **OFF))

    check_page(page)
    tags = [tag for tag, _ in tags_of(page)]
    assert tags.count("b") == 1  # the first sentence
    text = " ".join(
        "".join(ElementTree.fromstring(p).itertext()) for p in pictures_in(page)
    )
    assert "$\\alpha$ of $" in text  # as it is, not as a formula
    assert "名前" in text


def test_only_new_classes_are_compared_with_all_real_rows():
    X = pd.DataFrame({"a": np.linspace(0, 1, N_ROWS)})
    settings = {"generator": WriteAnything(), "new_classes": {"maybe": 20}, **OFF}

    page = render_page(run(X, ["no", "yes"] * 20, **settings))

    check_page(page)
    assert len(pictures_in(page)) == 1


@pytest.mark.slow
def test_wide_tables_are_shown_in_part():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N_ROWS, 300))).add_prefix("gene ")

    page = render_page(run(X, LABELS))

    check_page(page)
    assert "12 of 300 columns" in page


@pytest.mark.slow
def test_page_of_many_rows_is_small(real_table):
    report = run(*real_table("adult"))

    page = render_page(report)

    check_page(page)
    assert len(report.batches) > 500
    assert page.count("<tr") < 300
