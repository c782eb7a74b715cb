"""`t2sampler compare` and `demo` print a verdict, and write what they name."""

import re

import numpy as np
import pandas as pd
import pytest
from doubles.command_line import run

from t2sampler import _demo

COMPARE = ("compare", "in.csv", "--target", "ill", "--jobs", 1)
VERDICT = re.compile(r"TeamThenTrimSampler (?:makes no|helps|hurts|does no more)")


@pytest.mark.usefixtures("quick_comparison")
def test_compare_prints_a_verdict_and_writes_a_page(folder, capsys):
    assert run(*COMPARE, "--out", "page.html", "--kinds", "visits=private") == 0

    said = capsys.readouterr().out
    assert said.startswith("in.csv: models are compared on 40 rows")
    assert VERDICT.search(said)
    assert max(map(len, said.splitlines())) <= 88
    page = (folder / "page.html").read_text("utf-8")
    assert "Does over-sampling help on in.csv?" in page
    assert page.count("<svg") == 1


@pytest.mark.usefixtures("quick_comparison")
def test_demo_on_a_table(folder, capsys):
    text = (folder / "in.csv").read_text().replace(",paid", ";paid").replace(",", ";")
    (folder / "in.csv").write_text(re.sub(r"\.(\d+)\n", r",\1 €\n", text), "utf-8")
    options = ["--out", "demo", "--jobs", 1, "--kinds", "job=category,visits=private"]

    assert run("demo", "in.csv", "--target", "ill", *options) == 0

    said = capsys.readouterr().out
    assert VERDICT.search(said)
    for name in ("nothing", "RandomOverSampler", "SMOTENC", "bal acc"):
        assert name in said
    assert len(pd.read_csv("demo/augmented.csv", sep=";")) == 64
    assert (folder / "demo" / "report.html").exists()


@pytest.mark.parametrize("command", ["compare", "demo"])
def test_classes_of_few_rows_are_refused(folder, capsys, command):
    frame = pd.read_csv("in.csv").assign(ill=["yes"] * 2 + ["no"] * 38)
    frame.to_csv("in.csv", index=False)

    assert run(command, "in.csv", "--target", "ill") == 2

    out, said = capsys.readouterr()
    assert out == ""
    assert "Class yes has 2 rows, and a comparison needs at least 3" in said
    assert said.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


def test_the_bundled_table_is_messy_and_imbalanced():
    frame, target = _demo.load_bundled()

    assert frame[target].value_counts().to_dict() == {"benign": 170, "malignant": 30}
    assert frame.isna().any().sum() == 3
    assert frame.dtypes["mean texture"] == "category"


def test_a_large_table_is_cut_and_keeps_rare_classes():
    labels = pd.Series(np.repeat(["b", "a", "rare"], [6000, 4000, 3]))

    rows = _demo.cut_rows(labels.sample(frac=1, random_state=0), seed=0)

    assert len(rows) == len(set(rows)) == 1003
    counts = labels.sample(frac=1, random_state=0).iloc[rows].value_counts()
    assert counts.to_dict() == {"b": 600, "a": 400, "rare": 3}
    assert _demo.cut_rows(labels.head(20), seed=0).tolist() == [*range(20)]
