"""The scripts of the paper's tables run, and put the right numbers side by side."""

from dataclasses import replace

import _baselines
import numpy as np
import pandas as pd
import paper_figure_6_ablation
import paper_table_1_imbalance
import paper_table_2_travel
import paper_table_3_compas
import paper_table_4_quality
import paper_table_5_noise
import paper_table_6_cost
import pytest
from _baselines import LANGUAGE_MODELS, METHODS, REAL_ONLY, Order, add_rows
from _figures import plot_gains
from _paper import PaperTable, compare, flip_real_and_test, make_gains, run_table
from _peers import PEERS, REQUIREMENTS, find_levels, is_installed

from t2sampler import grow
from t2sampler.datasets import make_diabetes, make_diabetes_split
from t2sampler.testing import ScriptedChat

FAST = [REAL_ONLY, "random over-sampling"]
PNG = b"\x89PNG"
OFFLINE = {
    paper_table_1_imbalance: FAST,
    paper_table_2_travel: FAST,
    paper_table_5_noise: [REAL_ONLY],
    paper_table_6_cost: [*FAST, "SMOTE", "team, untrimmed"],
    paper_figure_6_ablation: [REAL_ONLY, "default: no filter", "paper: sanity"],
}
ON_DATA = {paper_table_3_compas: [REAL_ONLY], paper_table_4_quality: [REAL_ONLY]}
QUICK = {paper_table_1_imbalance, paper_table_3_compas, paper_table_6_cost}


def list_scripts(tables):
    """Return (script, methods) as parameters, those marked that take seconds."""
    return [
        pytest.param(
            script,
            methods,
            id=script.__name__,
            marks=[pytest.mark.slow] * (script not in QUICK),
        )
        for script, methods in tables.items()
    ]


def run_tiny(script, methods, folder):
    settings = ["--quick", "--seeds", "1", "--n-jobs", "1", "--methods", *methods]
    files = ["--out", folder / "rows.csv", "--summary", folder / "summary.csv"]
    summaries = script.main([*settings, *map(str, files)])
    ours = next(iter(summaries.values())).set_index("method")["ours"]
    assert ours[methods].notna().all()
    command = (folder / "summary.csv").read_text().splitlines()[0]
    assert command.startswith(f"# python benchmarks/{script.TABLE.script} --quick")


@pytest.mark.parametrize(("script", "methods"), list_scripts(OFFLINE))
def test_script_runs(script, methods, tmp_path, capsys):
    run_tiny(script, methods, tmp_path)

    assert script.__doc__.splitlines()[0] in capsys.readouterr().out


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(("script", "methods"), list_scripts(ON_DATA))
def test_script_on_real_tables_runs(script, methods, tmp_path, capsys):
    run_tiny(script, methods, tmp_path)

    assert script.__doc__.splitlines()[0] in capsys.readouterr().out


def count_calls(calls, method, seed, size):
    """Yield a row worth 10 per seed, and 1 more for any method that adds rows."""
    calls.append((method, seed, size))
    value = 10.0 * seed + (method != REAL_ONLY)
    row = {"model": "-", "block": "flip 0", "column": "AUC"}
    yield {**row, "value": value, "n_rows": size}


@pytest.fixture
def counted():
    """Return a table whose cells are counted, and the calls so far."""
    calls = []
    table = PaperTable(
        script="script.py",
        doc="A table.",
        number=2,
        keys=("size",),
        settings=((5,),),
        quick_settings=((5,),),
        measure=lambda *cell: count_calls(calls, *cell),
        find_published=lambda row, block, column: (row, block),
        methods=tuple(FAST),
    )
    return table, calls


def arguments(folder, n_seeds):
    return ["--seeds", str(n_seeds), "--n-jobs", "1", "--out", str(folder / "rows.csv")]


def test_comparison_is_published_ours_and_their_difference(counted, tmp_path):
    table, _ = counted

    summary = run_table(table, arguments(tmp_path, 3))[""].set_index("method")

    # Seeds give 0, 10, 20: mean 10, standard deviation 10. Published: 98.55.
    assert summary.loc[REAL_ONLY, ["published", "ours"]].tolist() == [98.55, 10]
    assert summary.loc[REAL_ONLY, "difference"] == -88.55
    assert summary.loc[REAL_ONLY, "error"] == round(10 / np.sqrt(3), 2)
    assert summary.loc[REAL_ONLY, "in s.e."] == round(-88.55 / (10 / np.sqrt(3)), 2)
    assert summary.loc["random over-sampling", ["ours", "gain"]].tolist() == [11, 1]
    assert summary.loc["random over-sampling", "gain error"] == 0  # it is paired
    assert summary.loc["CLLM (published only)", "published"] == 97.73
    assert summary.loc["CLLM (published only)", "seeds"] == 0


def test_run_goes_on_where_it_stopped(counted, tmp_path):
    table, calls = counted
    run_table(table, arguments(tmp_path, 1))

    run_table(table, arguments(tmp_path, 2))

    assert [seed for _, seed, _ in calls] == [0, 0, 1, 1]


def test_summary_leaves_out_seeds_that_were_not_asked_for(counted, tmp_path):
    table, _ = counted
    run_table(table, arguments(tmp_path, 3))

    summary = run_table(table, arguments(tmp_path, 2))[""].set_index("method")

    assert summary.loc[REAL_ONLY, ["ours", "seeds"]].tolist() == [5, 2]


def test_figure_needs_an_interval():
    columns = ["block", "column", "method", "gain", "gain error", "seeds"]
    rows = [("b", "AUC", "m", 2.0, 1.0, 2), ("b", "AUC", "once", 2.0, np.nan, 1)]

    gains = make_gains(pd.DataFrame(rows, columns=columns))

    # Student's t with one degree of freedom: 12.7062 at 97.5 %.
    assert gains["label"].tolist() == ["m: b AUC"]
    assert np.isclose(gains["high"].iloc[0], 2 + 12.7062, atol=1e-4)
    assert np.isclose(gains["low"].iloc[0], 2 - 12.7062, atol=1e-4)


def test_figure_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    gains = pd.DataFrame({"label": ["a"], "mean": [1.0], "low": [0.5], "high": [2.0]})

    plot_gains(gains, tmp_path / "gains.png", "Gains")

    assert (tmp_path / "gains.png").read_bytes().startswith(PNG)


def test_methods_add_as_many_rows_as_asked_for():
    X, y = make_diabetes(40, labels="binary", random_state=0)
    order = Order(grow(2), n_batches=1, batch_size=10, seed=0)
    names = ["random over-sampling", "SMOTE", "smoothed bootstrap", "team, untrimmed"]

    for name in names:
        X_new, y_new, is_new = add_rows(name, X, y, order)

        assert len(X_new) == len(y_new) == 80
        assert is_new.sum() == 40
        assert y_new.value_counts().equals(2 * y.value_counts())


def test_smote_adds_nothing_to_a_class_of_one_row():
    X, _, y, _ = make_diabetes_split("imbalance", random_state=0)

    X_new, _, is_new = add_rows("SMOTE", X, y, Order("auto", 1, 10, seed=0))

    assert X_new is X
    assert not is_new.any()


def test_missing_peers_name_a_requirement_file_that_exists(capsys, counted, tmp_path):
    table, _ = counted
    missing = [name for name in PEERS if not is_installed(name)]
    methods = ["--methods", REAL_ONLY, *missing]

    run_table(table, [*arguments(tmp_path, 1), *methods])

    printed = capsys.readouterr().out
    for name in missing:
        file = PEERS[name][1]
        assert f"skipped {name}" in printed
        assert f"benchmarks/requirements/{file}" in printed
        assert (REQUIREMENTS / file).exists()


def test_language_models_are_skipped_without_a_key(
    capsys, counted, tmp_path, monkeypatch
):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    table, _ = counted
    methods = ["--methods", REAL_ONLY, LANGUAGE_MODELS]

    run_table(table, [*arguments(tmp_path, 1), *methods])

    assert "skipped language models" in capsys.readouterr().out


def test_language_models_have_rows_of_the_model_asked_for(
    counted, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    table, calls = counted
    table = replace(table, methods=(REAL_ONLY, LANGUAGE_MODELS))
    files = ["--summary", str(tmp_path / "summary.csv")]

    summaries = run_table(table, [*arguments(tmp_path, 1), "--model", "tiny", *files])

    rows = summaries[""].set_index("method")
    names = ["tiny, untrimmed", "tiny, default trim", "tiny, paper_protocol"]
    assert [method for method, *_ in calls] == [REAL_ONLY, *names]
    assert rows.loc[names, "ours"].tolist() == [1, 1, 1]
    assert rows.loc["tiny, paper_protocol", "published"] == 98.24  # T2, Table 2
    command = (tmp_path / "summary.csv").read_text().splitlines()[0]
    assert "--model tiny" in command
    assert "--methods" not in command


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    """Let a script answer in place of a language model, and store it here."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_baselines, "make_chat", lambda model: ScriptedChat())


def test_language_models_reach_a_class_without_real_rows(scripted):
    script = paper_table_1_imbalance
    cells = [
        {"method": method, "seed": 0, **row}
        for method in (REAL_ONLY, "m, untrimmed")
        for row in script.measure(method, 0, "incompleteness")
    ]

    rows = compare(pd.DataFrame(cells), script.TABLE, [REAL_ONLY, "m, untrimmed"])

    assert {row["column"] for row in cells if row["method"] == REAL_ONLY} == {
        "LR",
        "MR",
    }
    assert {row["n_rows"] for row in cells} == {10, 24}  # 8 of each group
    assert rows.set_index("column").loc["HR", "published"].dropna().min() == 50.49


def test_tokens_of_language_models_are_counted(scripted, tmp_path):
    rows = paper_table_6_cost.measure("m, untrimmed", 0, 20)

    values = {row["column"]: row["value"] for row in rows}
    assert (
        values["input tokens per 100 rows"] > values["output tokens per 100 rows"] > 0
    )
    assert not (tmp_path / "cache").exists()  # nothing is stored, nothing is spared


@pytest.mark.parametrize(
    "script", [*OFFLINE, *ON_DATA], ids=lambda script: script.TABLE.script
)
def test_random_over_sampling_is_in_every_table_of_baselines(script):
    names = set(script.TABLE.methods)

    if script is not paper_figure_6_ablation:
        assert names == {*METHODS, LANGUAGE_MODELS}
        assert "random over-sampling" in names
    assert REAL_ONLY in names


def test_published_tokens_add_up():
    cells = paper_table_6_cost.count_tokens()

    total = cells.loc["T2, all workers in sequence"]

    # 832 + 1831 + 2457 + 2533 and 387 + 887 + 1483 + 1507
    assert total[["input tokens", "output tokens"]].tolist() == [7653, 4264]
    assert cells.loc["team, paper_protocol", "input tokens"] == 0


def test_flips_leave_two_rows_of_each_class():
    y = pd.Series([0] * 6 + [1] * 4)

    for seed in range(30):
        noisy, truths = flip_real_and_test(y, y, 0.4, seed)

        assert noisy.value_counts().min() >= 2
        assert (noisy != y).sum() == 4
        assert truths["clean test"].equals(y)
        assert (truths["flipped test"] != y).sum() == 4


def test_peers_see_the_label_and_strings_as_categories():
    frame = pd.DataFrame(
        {"age": [31, 47, 52], "sex": list("FMF"), "smokes": [0, 1, 0], "y": [1, 2, 3]}
    )

    assert find_levels(frame) == ["sex", "smokes", "y"]


def test_published_values_stand_beside_ours_in_every_table():
    row = {"model": "-", "value": 1.0, "n_rows": 1, "seed": 0, "method": REAL_ONLY}
    places = [
        (paper_table_1_imbalance, "incompleteness", "MR", 48.69),
        (paper_table_2_travel, "flip 0.3, clean test", "AUC", 60.61),
        (paper_table_3_compas, "COMPAS", "F1", 58.69),
        (paper_table_5_noise, "flip 0.4, flipped test", "Recall", 58.91),
        (paper_figure_6_ablation, "imbalance", "HR", 64.24),
    ]

    for script, block, column, value in places:
        rows = pd.DataFrame([{**row, "block": block, "column": column}])
        summary = compare(rows, script.TABLE, [REAL_ONLY]).set_index("method")

        assert summary.loc[REAL_ONLY, "published"] == value
