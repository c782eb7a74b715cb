"""The page of a run stands alone and shows what the report holds."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from t2sampler._records import FATES
from t2sampler.report import RunReport, render_page


def make_report(**changes):
    batches = pd.DataFrame({fate: [0, 0] for fate in FATES})
    batches["drawn"], batches["accepted"], batches["cost"] = [4, 4], [3, 2], [1, 2]
    parts = {
        "batches": batches,
        "left_out": pd.DataFrame({"reason": ["<script>alert(1)</script>"]}),
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


def test_totals_stand_at_the_top():
    page = render_page(make_report(), title="A run")

    assert "<h1>A run</h1>" in page
    assert "5 of 8 candidates were accepted, from 2 batches." in page


def test_an_empty_run_has_a_page():
    nothing = make_report(batches=pd.DataFrame(columns=list(FATES)))

    assert "0 of 0 candidates" in render_page(nothing)


def test_text_of_the_table_is_escaped():
    page = render_page(make_report(), title="<u>mine</u>")

    names = {tag for tag, _ in tags_of(page)}

    assert not names & {"script", "i", "b", "u", "sex"}
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("attribute", ["src", "href", "action", "data"])
def test_nothing_is_loaded_from_elsewhere(attribute):
    page = render_page(make_report())

    assert not [tag for tag, given in tags_of(page) if attribute in dict(given)]
    assert not re.search(r"url\(|@import|https?:", page)
