"""The benchmark of H-TDBU: the stand-in for the texts, and what stands beside what."""

import htdbu_tables as tables
import numpy as np
import pandas as pd
import pytest
from htdbu_tables import ALLOWED, MANUAL, SENTIMENT, SHARES, STRICT

PUBLISHED = "forest, published form"


@pytest.mark.parametrize("rule", ALLOWED)
def test_sentiments_are_those_that_the_rule_allows_in_the_stated_shares(rule):
    y = pd.Series(["yes", "no", "no", "no"] * 2000, name="y")

    drawn = tables.draw_sentiments(y, rule, seed=5)

    for label, allowed in ALLOWED[rule].items():
        shares = pd.Series(drawn)[y == label].value_counts(normalize=True)
        assert set(shares.index) == set(allowed)
        wanted = pd.Series(SHARES)[allowed] / sum(SHARES[word] for word in allowed)
        assert (shares - wanted).abs().max() < 0.03


def test_independent_sentiments_are_as_far_off_as_published():
    """Published: .109 and .332, of a generator that draws each column by itself."""
    y = pd.Series(np.repeat(["yes", "no"], [1170, 8830]), name="y")
    for table, published in ((MANUAL, 0.109), (STRICT, 0.332)):
        words = tables.draw_sentiments(y, tables.RULES[table], seed=0)
        X = pd.DataFrame({SENTIMENT: words})
        shuffled = X.sample(frac=1, random_state=0).reset_index(drop=True)

        found = tables.compare_sentiments((X, y), (shuffled, y))

        assert abs(found["XModal"] - published) < 0.01
        assert found["TVD"] > 0.05
        assert list(tables.compare_sentiments((X, y), (X, y)).values()) == [0, 0]


def test_scores_are_those_of_the_positive_class():
    X = pd.DataFrame({"x": [0.0, 1, 2, 3] * 5, "c": list("uvvu") * 5})
    y = pd.Series(["no", "no", "yes", "yes"] * 5)

    assert tables.score(X, y, X, y, "yes")["AUROC"] == 1
    assert tables.score(X, y, X, y[::-1].reset_index(drop=True), "yes")["AUROC"] == 0


@pytest.mark.parametrize(("method", "breaks"), [("forest", False), (PUBLISHED, True)])
def test_rows_that_break_a_rule_are_counted(method, breaks):
    y = pd.Series(["yes", "no", "no"] * 100, name="y")
    X = pd.DataFrame({SENTIMENT: tables.draw_sentiments(y, "strict", 0), "x": y.index})

    rules = tables.make_rules(STRICT, "y")
    (new, labels), figures = tables.draw_rows(method, rules, (X, y), 0, 1000)

    assert 900 < len(new) == len(labels) <= 1000  # no copies of two columns of few rows
    assert (figures["broken"] > 0) == breaks


def test_published_values_stand_before_ours(shared_data):
    key = {"table": "german", "seed": 1, "n_rows": 9, "fit s": 1.5, "draw s": 0.5}
    empty = dict.fromkeys(tables.COLUMNS, np.nan)
    rows = pd.DataFrame(
        [
            {**empty, **key, "method": method, "accuracy": 0.5, "F1": 0.25, "AUROC": x}
            for method, x in (("real rows", 0.75), ("forest", 0.5))
        ]
    )

    ((title, table),) = tables.summarise(rows).items()

    assert title == "german, mean over 1 seeds, 9 rows drawn"
    assert table.loc["published: gaussian_copula", "AUROC"] == "0.7750"
    assert table.loc["forest"].tolist() == ["0.5000", "0.2500", "0.5000", "1.5", "0.5"]
    assert table.index[-1] == "forest"


@pytest.mark.slow
def test_script_runs(shared_data, tmp_path, capsys):
    summary = tmp_path / "summary.csv"
    files = ["--out", str(tmp_path / "rows.csv"), "--summary", str(summary)]

    parts = tables.main(["--quick", *files, "--methods", "real rows", "forest"])

    assert len(parts) == 2
    assert float(next(iter(parts.values())).loc["forest", "broken"]) == 0
    command = summary.read_text().splitlines()[0]
    assert command.startswith("# python benchmarks/htdbu_tables.py --quick")
    assert "published: random_forest" in capsys.readouterr().out
