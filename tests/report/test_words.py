"""The verdicts of a run in words, from tables made by hand."""

import pandas as pd
import pytest

from t2sampler._records import FATES
from t2sampler.report import RunReport
from t2sampler.report._words import group_reasons, tell_run


def make_report(left_out=(), classes=None, settings=None, **counts):
    fates = dict.fromkeys(FATES, 0) | counts
    fates["drawn"] = sum(fates.values())
    return RunReport(
        pd.DataFrame([fates]),
        pd.DataFrame(left_out, columns=["fate", "reason"]),
        pd.DataFrame() if classes is None else classes,
        pd.DataFrame(),
        settings=settings or {},
    )


def test_each_filter_says_what_it_trimmed_of_what_reached_it():
    left_out = [("cost", "label 'b' has probability 0.2")] * 2
    left_out += [("sanity", "age is from 0 to 9")] * 3 + [("sanity", "x is 1")]
    left_out += [("cost", "label 'a' has probability 0.1")]

    told = tell_run(make_report(left_out, sanity=4, cost=3, accepted=9, refused=0))

    assert told[0] == "9 of 16 candidates were accepted, from 1 batch."
    assert told[1:] == [
        "The sanity filter trimmed 4 of 16 candidates (25 %), 3 of them breaking the "
        "rule “age is from 0 to 9”.",
        "The cost filter trimmed 3 of 12 candidates (25 %), all of them for “label 'b' "
        "has probability 0.2” and the like.",
        "The diversity filter trimmed none of 9 candidates.",
    ]


def test_what_is_off_and_what_nothing_reached_is_told():
    settings = {"sanity": "SanityFilter()", "cost": "switched off"}
    left_out = [("sanity", "x is 1")] * 5

    told = tell_run(make_report(left_out, settings=settings, sanity=5))

    assert told[1].startswith("The sanity filter trimmed 5 of 5 candidates (100 %)")
    assert told[2] == "The cost filter was switched off."
    assert told[3] == "No candidate reached the diversity filter."


def test_refused_surplus_and_repeated_rows_are_told():
    classes = pd.DataFrame(
        {"wanted": [9, 4], "repeated": [0, 3], "missing": [1, 0]}, index=["b", "a"]
    )
    left_out = [("refused", "a copy of a real row"), ("surplus", "full")]

    told = tell_run(make_report(left_out, classes, refused=1, surplus=1, accepted=1))

    assert "all of them for “a copy of a real row”" in told[1]
    assert "1 more passed" in told[-3]
    assert told[-2].endswith("because too few passed: 3 (class a: 3).")
    assert told[-1] == "Rows missing because too few passed: 1 (class b: 1)."


def test_twins_are_no_repeated_rows():
    classes = pd.DataFrame({"real": [2], "repeated": [4]})

    told = tell_run(make_report([], classes, accepted=2))

    assert told[-1] == "Real rows added as twins of batches: 4 (class 0: 4)."


@pytest.mark.parametrize("fate", ["cost", "sanity"])
def test_rules_differ_in_numbers_whereas_other_reasons_do_not(fate):
    reasons = ["a 1.5e-3 of 'x'", "a 2 of 'yy'", "a 7", "a 2 of 'yy'"]
    left_out = pd.DataFrame({"fate": fate, "reason": reasons})

    groups = group_reasons(left_out)

    assert groups["rows"].tolist() == ([3, 1] if fate == "cost" else [2, 1, 1])
    assert groups["rows"].sum() == len(reasons)
    assert group_reasons(left_out[::-1])["rows"].tolist() == groups["rows"].tolist()


def test_a_run_that_drew_nothing_says_why():
    full = pd.DataFrame({"wanted": [0, 0]}, index=["b", "a"])
    wanted = pd.DataFrame({"wanted": [0, 4], "missing": [0, 4]}, index=["b", "a"])

    (told,) = tell_run(make_report([], full))
    others = tell_run(make_report([], wanted))

    assert "every class is as large as `sampling_strategy` asks for" in told
    assert others == [
        "Nothing was drawn: the generator gave no rows.",
        "Rows missing because too few passed: 4 (class a: 4).",
    ]
