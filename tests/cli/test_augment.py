"""Whole files, one sentence for a mistake, no traceback."""

import numpy as np
import pandas as pd
import pytest
from doubles.command_line import augment, pick, run

pytestmark = pytest.mark.usefixtures("few_trees")


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
            ["plan", "in.ods", "--target", "y"],
            "in.ods must end with .csv, .tsv, .csv.gz, .tsv.gz, .parquet or .xlsx",
            id="suffix of the table",
        ),
        pytest.param(["demo", "in.csv"], "--target", id="no target"),
        pytest.param(
            ["augment", "in.csv", "--target", "ill", "--out", "out.xls"],
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


@pytest.mark.parametrize("command", ["augment", "plan", "demo", "compare"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda frame: frame.assign(paid=np.inf), "'paid'", id="infinite"),
        pytest.param(
            lambda frame: frame.assign(ill=["yes"] + [None] * 39),
            "label",
            id="labels missing",
        ),
        pytest.param(lambda frame: frame.head(0), "no rows", id="no rows"),
    ],
)
def test_a_table_that_cannot_be_handled(folder, capsys, command, change, words):
    damage(change)
    out = ["--out", "result.csv"] if command in ("augment", "demo") else []

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


def test_generated_rows_are_marked(folder, capsys):
    assert augment("--mark", "is new") == 0

    lines = (folder / "in.csv").read_text().splitlines()
    rows = (folder / "out.csv").read_text().splitlines()
    assert rows[: len(lines)] == [
        f"{lines[0]},is new",
        *(f"{line},False" for line in lines[1:]),
    ]
    assert set(pick(rows, "is new")[40:]) == {"True"}
    assert len(rows) == 65


@pytest.mark.parametrize("name", ["age", "ill", " job ", ""])
def test_a_mark_needs_a_name_of_its_own(folder, capsys, name):
    assert augment("--mark", name) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"t2sampler augment: --mark {name!r} must be a new name")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("size", "n_held_out"),
    [("0.25", {"no": 8, "yes": 2}), ("15", {"no": 12, "yes": 3})],
)
def test_held_out_rows_are_real_and_not_learned_from(folder, capsys, size, n_held_out):
    assert augment("--test-size", size, "--seed", 3) == 0

    head, *real = (folder / "in.csv").read_text().splitlines()
    rows = (folder / "out.csv").read_text().splitlines()
    held_out = (folder / "out_test.csv").read_text().splitlines()
    n_test = sum(n_held_out.values())
    n_train = 40 - n_test
    assert held_out[0] == rows[0] == head
    assert sorted(held_out[1:] + rows[1 : n_train + 1]) == sorted(real)
    assert [row for row in real if row in held_out] == held_out[1:]
    assert pd.Series(pick(held_out, "ill")).value_counts().to_dict() == n_held_out
    labels = pd.Series(pick(rows, "ill"))
    assert labels.value_counts().to_dict() == dict.fromkeys(
        ["no", "yes"], 32 - n_held_out["no"]
    )
    said = capsys.readouterr().out
    assert f"out.csv: {n_train} real" in said
    assert f"out_test.csv: {n_test} real rows held out ({n_held_out['no']} no, " in said

    # What is held out has no influence on what is generated.
    damaged = (folder / "in.csv").read_text().replace(held_out[1], _change(held_out[1]))
    (folder / "in.csv").write_text(damaged)
    assert (
        augment("--test-size", size, "--seed", 3, "--overwrite", out="again.csv") == 0
    )
    assert (folder / "again.csv").read_text().splitlines() == rows


def _change(line):
    age, *others = line.split(",")
    return ",".join([str(int(age) + 900), *others])


def test_a_class_without_held_out_row_is_told(folder, capsys):
    lines = (folder / "in.csv").read_text().splitlines()
    (folder / "in.csv").write_text("\n".join([*lines[:3], *lines[9:]]) + "\n")

    assert augment("--test-size", "0.1", "--test-out", "kept.csv") == 0

    said = capsys.readouterr()
    assert "kept.csv: 4 real rows held out (4 no, 0 yes)" in said.out
    assert "no row of class yes is held out" in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--test-size", "1"], "number of classes", id="too few"),
        pytest.param(["--test-size", "40"], "number of samples 40", id="all"),
        pytest.param(["--test-size", "1.5"], "share between 0 and 1", id="no number"),
        pytest.param(["--test-size", "0"], "share between 0 and 1", id="none"),
        pytest.param(["--test-out", "a.csv"], "needs --test-size", id="no size"),
        pytest.param(
            ["--test-size", ".5", "--test-out", "out.csv"], "different files", id="same"
        ),
        pytest.param(
            ["--test-size", ".5", "--test-out", "./in.csv"], "is the table", id="input"
        ),
    ],
)
def test_a_wrong_split_gets_one_sentence(folder, capsys, options, words):
    assert augment(*options) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


def test_a_class_of_one_row_cannot_be_held_out(folder, capsys):
    damage(lambda frame: frame.assign(ill=["yes"] + ["no"] * 39))

    assert augment("--test-size", ".5") == 2

    assert "Class yes has 1 row" in capsys.readouterr().err


def test_a_held_out_file_that_nobody_named_is_not_replaced(folder, capsys):
    (folder / "out_test.csv").write_text("mine")

    assert augment("--test-size", ".5") == 2

    assert "--test-out, or give --overwrite" in capsys.readouterr().err
    assert (folder / "out_test.csv").read_text() == "mine"


@pytest.mark.parametrize(
    "out", ["in.csv", "./in.csv", "sub/../in.csv", "link.csv", "hard.csv"]
)
def test_the_table_itself_is_not_replaced_unasked(folder, capsys, out):
    (folder / "sub").mkdir()
    (folder / "link.csv").symlink_to("in.csv")
    (folder / "hard.csv").hardlink_to("in.csv")
    before = (folder / "in.csv").read_text()

    assert augment(out=out) == 2

    said = capsys.readouterr().err
    assert "is the table that is read. Name another file, or give --overwrite" in said
    assert (folder / "in.csv").read_text() == before
    assert augment("--overwrite", out=out) == 0
    assert (folder / out).read_text().startswith(before)
