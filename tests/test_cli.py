"""The command line: whole files, one sentence for a mistake, no traceback."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from t2sampler import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a small messy CSV; files in it are named as users do."""
    rng = np.random.default_rng(0)
    n_rows = 40
    is_ill = np.arange(n_rows) < 8
    visits = [f"{count}" for count in rng.poisson(4, n_rows)]
    visits[3] = ""
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 50, n_rows) + 15 * is_ill,
            "ill": np.where(is_ill, "yes", "no"),
            "visits": visits,
            "job": rng.choice(["cook", "clerk", "driver"], n_rows),
            "day": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 9, n_rows), unit="D"),
            "paid": rng.integers(100, 999, n_rows) / 100,
        }
    )
    frame.to_csv(tmp_path / "in.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.main([*map(str, arguments)])


def augment(*arguments, out="out.csv"):
    return run("augment", "in.csv", "--target", "ill", "--out", out, *arguments)


def test_real_rows_come_first_and_unchanged(folder, capsys):
    assert augment("--report", "report.html") == 0

    lines = (folder / "in.csv").read_text().splitlines()
    rows = (folder / "out.csv").read_text().splitlines()
    assert rows[: len(lines)] == lines
    out = pd.read_csv("out.csv")
    assert out["ill"].value_counts().to_dict() == {"yes": 32, "no": 32}
    assert out["paid"].round(2).equals(out["paid"])
    assert pd.to_datetime(out["day"], format="%Y-%m-%d").notna().all()
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert "out.csv: 40 real" in capsys.readouterr().out


def test_parquet_keeps_dtypes(folder):
    frame = pd.read_csv("in.csv").astype({"job": "category"})
    frame.to_parquet("in.parquet")

    code = run(
        *("augment", "in.parquet", "--target", "ill", "--out", "out.parquet"),
        *("--seed", 1),
    )

    assert code == 0
    assert pd.read_parquet("out.parquet").dtypes.equals(frame.dtypes)


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        pytest.param(["--strategy", "0.5"], {"no": 32, "yes": 16}, id="ratio"),
        pytest.param(["--strategy", "all"], {"no": 32, "yes": 32}, id="word"),
        pytest.param(["--strategy", '{"yes": 20}'], {"no": 32, "yes": 20}, id="dict"),
        pytest.param(["--factor", "1.5"], {"no": 48, "yes": 12}, id="factor"),
    ],
)
def test_counts_as_asked_for(folder, arguments, counts):
    assert augment(*arguments) == 0

    assert pd.read_csv("out.csv")["ill"].value_counts().to_dict() == counts


def test_labels_of_a_dict_may_be_numbers(folder):
    pd.read_csv("in.csv").replace({"ill": {"yes": 1, "no": 0}}).to_csv(
        "in.csv", index=False
    )

    assert augment("--strategy", '{"1": 20}') == 0

    assert pd.read_csv("out.csv")["ill"].value_counts().to_dict() == {0: 32, 1: 20}


def test_same_seed_same_file(folder):
    for out in ("a.csv", "b.csv"):
        augment("--seed", 7, out=out)
    augment("--seed", 8, out="c.csv")

    a, b, c = ((folder / f"{name}.csv").read_bytes() for name in "abc")

    assert a == b
    assert a != c


def test_plan_names_every_column(folder, capsys):
    assert run("plan", "in.csv", "--target", "ill") == 0

    plan = capsys.readouterr().out
    assert all(name in plan for name in ("age", "visits", "job", "day", "paid"))


def test_demo_on_a_table(folder, capsys):
    assert run("demo", "in.csv", "--target", "ill", "--out", "demo") == 0

    said = capsys.readouterr().out
    for name in ("no sampler", "RandomOverSampler", "SMOTE", "TeamThenTrimSampler"):
        assert name in said
    assert len(pd.read_csv("demo/augmented.csv")) == 64
    assert (folder / "demo" / "report.html").exists()


def damage(change):
    change(pd.read_csv("in.csv")).to_csv("in.csv", index=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["plan", "no.csv", "--target", "y"], "no.csv: No such", id="file"),
        pytest.param(
            ["augment", "in.csv", "--target", "y", "--out", "out.csv"],
            "in.csv has no column 'y'; its columns are age, ill",
            id="target",
        ),
        pytest.param(["demo", "in.csv"], "--target", id="no target"),
        pytest.param(
            ["augment", "in.csv", "--target", "ill", "--out", "out.xlsx"],
            "must end with",
            id="suffix",
        ),
        pytest.param(
            ["augment", "in.csv", "--target", "ill", "--out", "no/out.csv"],
            "folder does not exist",
            id="folder",
        ),
        pytest.param(
            ["augment", "in.csv", "--target", "paid", "--out", "out.csv"],
            "continuous",
            id="numbers as labels",
        ),
    ],
)
def test_a_mistake_gets_one_sentence(folder, capsys, arguments, words):
    assert run(*arguments) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        pytest.param("most", "sampling_strategy", id="word"),
        pytest.param("7", "sampling_strategy", id="ratio"),
        pytest.param('{"maybe": 9}', "The labels are no, yes", id="label"),
        pytest.param('{"yes": "9"}', "numbers of rows", id="count"),
        pytest.param('{"yes": 2}', "2 samples are asked", id="fewer"),
    ],
)
def test_a_wrong_strategy_gets_one_sentence(folder, capsys, strategy, words):
    assert augment("--strategy", strategy) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize("command", ["augment", "plan", "demo"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda frame: frame.assign(paid=np.inf), "'paid'", id="infinite"),
        pytest.param(
            lambda frame: frame.assign(ill=["yes"] + [None] * 39),
            "label",
            id="labels missing",
        ),
        pytest.param(lambda frame: frame.head(0), "0 sample", id="no rows"),
    ],
)
def test_a_table_that_cannot_be_handled(folder, capsys, command, change, words):
    damage(change)
    out = [] if command == "plan" else ["--out", "result.csv"]

    assert run(command, "in.csv", "--target", "ill", *out) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("command", ["augment", "demo"])
def test_one_class_is_refused(folder, capsys, command):
    damage(lambda frame: frame.assign(ill="yes"))

    assert run(command, "in.csv", "--target", "ill", "--out", "out.csv") == 2

    assert "class" in capsys.readouterr().err
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


def test_demo_needs_a_row_to_hold_out(folder, capsys):
    damage(lambda frame: frame.assign(ill=["yes"] + ["no"] * 39))

    assert run("demo", "in.csv", "--target", "ill") == 2

    assert "Class yes has 1 row" in capsys.readouterr().err


def test_help_and_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    assert stopped.value.code == 0
    with pytest.raises(SystemExit) as stopped:
        run("augment", "in.csv")
    assert stopped.value.code == 2
    assert "--target" in capsys.readouterr().err


def test_the_module_is_the_command(folder):
    command = [sys.executable, "-m", "t2sampler", "plan", "no.csv", "--target", "y"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "t2sampler plan: no.csv: No such file or directory.\n"
    assert done.stdout == ""
