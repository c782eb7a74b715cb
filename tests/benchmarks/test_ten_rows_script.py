"""The benchmark of ten rows: what is told of the label, and paired differences."""

import numpy as np
import pandas as pd
import ten_rows


def test_a_cell_scores_every_group_by_four_models():
    rows = pd.DataFrame(ten_rows.run_cell(0, "team, default trim, ordered label"))

    assert rows["model"].nunique() == 4
    assert set(rows["column"]) == {*ten_rows.GROUPS, ten_rows.BALANCED}
    assert len(rows) == 16
    assert rows["value"].between(0, 100).all()


def test_the_order_reaches_the_team():
    plain, ordered = (
        pd.DataFrame(ten_rows.run_cell(0, f"team, default trim, {word} label"))
        for word in ("plain", "ordered")
    )

    assert not np.allclose(plain["value"], ordered["value"])


def test_differences_are_paired_by_seed():
    columns = [*ten_rows.GROUPS, ten_rows.BALANCED]
    rows = pd.DataFrame(
        [
            {"seed": seed, "method": method, "column": column, "value": value}
            for seed in (0, 1)
            for method, value in (
                (ten_rows.COPIES, 60.0 + 10 * seed),
                ("team, default trim, plain label", 62.0 + 10 * seed),
            )
            for column in columns
        ]
    )

    means, differences = ten_rows.summarise(rows).values()

    assert means.loc[ten_rows.COPIES, "HR"] == "65.0 ± 5.0"
    assert differences.loc["team, default trim, plain label", "HR"] == "2.0 ± 0.0"
