"""The command line: whole files, one sentence for a mistake, no traceback."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from doubles.scripted_endpoint import Endpoint, answer_well

from t2sampler import __version__, cli


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
    """Return the exit code: of a command, or of the parser that refused an argument."""
    try:
        return cli.main([*map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


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
    frame = pd.read_csv("in.csv")
    numbers = frame["ill"].map({"yes": 1, "no": 0})
    frame.assign(ill=numbers).to_csv("in.csv", index=False)

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
        pytest.param(
            ["plan", "in.xlsx", "--target", "y"],
            r"in.xlsx must end with .csv, .csv.gz or .parquet",
            id="suffix of the table",
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


def test_help_and_version(capsys):
    assert run("--help") == 0
    assert "augment" in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out == f"t2sampler {__version__}\n"


def run_module(*arguments, options=()):
    command = [sys.executable, *options, "-m", "t2sampler", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_module_is_the_command(folder):
    done = run_module("plan", "no.csv", "--target", "y")

    said = "t2sampler plan: argument table: no.csv: No such file or directory.\n"
    assert done.returncode == 2
    assert done.stderr == said
    assert done.stdout == ""


AUGMENT = ["augment", "in.csv", "--target", "ill", "--out", "out.csv"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["--version"], id="version"),
        pytest.param(["augment", "--help"], id="help of a command"),
        pytest.param(["augment", "in.csv", "--out", "out.csv"], id="no target"),
        pytest.param(["trim"], id="unknown command"),
        pytest.param(["demo", "in.csv"], id="demo without target"),
        pytest.param([*AUGMENT, "--speed", "9"], id="unknown option"),
        pytest.param(["plan", "no.csv", "--target", "ill"], id="no file"),
        pytest.param([*AUGMENT[:-1], "no/out.csv"], id="no folder"),
        pytest.param([*AUGMENT[:-1], "out.xlsx"], id="suffix"),
        pytest.param([*AUGMENT, "--report", "page.pdf"], id="suffix of the report"),
        pytest.param([*AUGMENT, "--factor", "0"], id="factor"),
        pytest.param([*AUGMENT, "--strategy", "most"], id="strategy"),
        pytest.param([*AUGMENT, "--seed", "-1"], id="seed"),
        pytest.param([*AUGMENT, "--context", "a clinic"], id="context without model"),
        pytest.param([*AUGMENT, "--model", "m", "--examples", "all"], id="examples"),
        pytest.param([*AUGMENT, "--model", "m", "--prices", "1", "-1"], id="prices"),
        pytest.param(
            [*AUGMENT, "--model", "m", "--descriptions", "in.csv"], id="descriptions"
        ),
    ],
)
def test_help_and_mistakes_do_not_load_libraries(folder, arguments):
    done = run_module(*arguments, options=["-X", "importtime"])

    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    is_help = arguments[-1] in ("--help", "--version")
    assert done.returncode == (0 if is_help else 2)
    assert "argparse" in loaded
    assert not loaded & {"sklearn", "pandas", "numpy", "scipy", "imblearn", "openai"}


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    """Return an endpoint that answers well, and the options that lead to it."""
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / f"{tmp_path.name}-kept"))
    endpoint = Endpoint()
    endpoint.answer = answer_well
    endpoint.options = ["--model", "m", "--base-url", endpoint.url]
    yield endpoint
    endpoint.close()


def test_a_language_model_writes_rows_which_are_kept(folder, endpoint, capsys):
    (folder / "meant.json").write_text('{"paid": "fee in euros"}')
    options = [*endpoint.options, "--context", "a clinic", "--prices", "1", "10"]
    options += ["--descriptions", "meant.json", "--strategy", '{"yes": 10}']

    assert augment(*options) == 0

    said = capsys.readouterr().out
    assert f"asked: {len(endpoint.bodies)} calls" in said
    assert "cost 0.0" in said
    first = endpoint.bodies[0]["messages"][0]["content"]
    assert "a clinic" in first
    assert "fee in euros" in first
    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10

    n_asked = len(endpoint.bodies)
    assert augment(*options, out="again.csv") == 0
    assert len(endpoint.bodies) == n_asked
    assert (folder / "again.csv").read_text() == (folder / "out.csv").read_text()
    assert run("estimate", "in.csv", "--target", "ill", *options) == 0
    assert "calls            0 to    0" in capsys.readouterr().out

    assert run("store") == 0
    assert f"replies.sqlite: {n_asked} answers" in capsys.readouterr().out
    assert run("store", "--clear") == 0
    assert run("store") == 0
    assert "replies.sqlite: 0 answers" in capsys.readouterr().out


def test_a_language_model_plans(folder, endpoint, capsys):
    assert run("plan", "in.csv", "--target", "ill", *endpoint.options) == 0

    printed = capsys.readouterr()
    assert "part 1" in printed.out
    assert "real rows were shown" in printed.err
    assert len(endpoint.bodies) == 1


def test_an_estimate_asks_nobody_and_needs_no_key(
    folder, endpoint, capsys, monkeypatch
):
    monkeypatch.delenv("OPENAI_API_KEY")
    options = ["--model", "m", "--prices", "1", "10", "--examples", "summary"]

    assert run("estimate", "in.csv", "--target", "ill", *options) == 0

    said = capsys.readouterr().out
    for word in ("calls", "input tokens", "output tokens", "cost"):
        assert word in said
    assert not endpoint.bodies


def test_a_spent_budget_is_told(folder, endpoint, capsys):
    assert augment(*endpoint.options, "--budget-tokens", 100) == 0

    assert "budget" in capsys.readouterr().err
    assert not endpoint.bodies


@pytest.mark.parametrize("command", ["augment", "plan"])
def test_no_key_is_told_before_any_work(folder, capsys, monkeypatch, command):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    out = ["--out", "out.csv"] if command == "augment" else []
    (folder / "in.csv").write_text("")  # no table, which is told if it is read

    code = run(command, "in.csv", "--target", "ill", "--model", "m", *out)

    said = capsys.readouterr().err
    assert code == 2
    assert "OPENAI_API_KEY" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--context", "c"], "--context needs --model", id="no model"),
        pytest.param(["--budget-tokens", 5], "--budget-tokens needs", id="budget"),
        pytest.param(["--model", "m", "--examples", "all"], "--examples", id="rows"),
        pytest.param(["--model", "m", "--examples", "²"], "--examples", id="digit"),
        pytest.param(["--model", "m", "--base-url", "here"], "base_url", id="address"),
        pytest.param(
            ["--model", "m", "--descriptions", "no.json"], "No such", id="no file"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "in.csv"], "is no JSON", id="no JSON"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "list.json"], "JSON object", id="list"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "other.json"], "names weight", id="names"
        ),
    ],
)
def test_wrong_options_of_a_model_get_one_sentence(
    folder, endpoint, capsys, options, words
):
    (folder / "list.json").write_text("[1]")
    (folder / "other.json").write_text('{"weight": "kg"}')

    assert augment(*options) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not endpoint.bodies
    assert not (folder / "out.csv").exists()
