"""The command line: whole files, one sentence for a mistake, no traceback."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from doubles.scripted_endpoint import Endpoint, answer_well

from t2sampler import __version__, cli
from t2sampler._kinds import GIVEN_KINDS


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
    text = (folder / "in.csv").read_text().replace(",paid", ";paid").replace(",", ";")
    (folder / "in.csv").write_text(re.sub(r"\.(\d+)\n", r",\1 €\n", text), "utf-8")
    kinds = ["--kinds", "job=category,visits=private"]

    assert run("demo", "in.csv", "--target", "ill", "--out", "demo", *kinds) == 0

    said = capsys.readouterr().out
    for name in ("no sampler", "RandomOverSampler", "SMOTE", "TeamThenTrimSampler"):
        assert name in said
    assert len(pd.read_csv("demo/augmented.csv", sep=";")) == 64
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
        pytest.param(lambda frame: frame.head(0), "no rows", id="no rows"),
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


def pick(lines, column):
    """Return the cells of a column of a plain CSV, without the name."""
    position = lines[0].split(",").index(column)
    return [line.split(",")[position] for line in lines[1:]]


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


def test_options_say_how_a_table_is_read(folder, capsys):
    text = (folder / "in.csv").read_text().replace(",", "#").replace(".", ",")
    text = text.replace("job", "größe").replace("cook", "?")
    (folder / "in.csv").write_text(text, encoding="latin-1")
    options = ["--sep", "#", "--decimal", ",", "--encoding", "latin-1"]

    assert augment(*options, "--na-values", "?,none", "--strategy", '{"yes": 20}') == 0

    out = (folder / "out.csv").read_text(encoding="latin-1")
    assert out.startswith(text)
    new = out[len(text) :].splitlines()
    assert len(new) == 12
    paid = text.splitlines()[0].split("#").index("paid")
    assert all("," in line.split("#")[paid] for line in new)
    assert run("plan", "in.csv", "--target", "ill", *options) == 0
    assert "größe" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["augment", "plan", "estimate", "demo"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--sep", ";;"], "expected one character", id="separator"),
        pytest.param(["--decimal", "x"], "--decimal", id="decimal"),
        pytest.param(["--encoding", "hex"], "no encoding of text", id="bytes"),
        pytest.param(["--encoding", "windows"], "no encoding of text", id="encoding"),
        pytest.param(["--kinds", "age=int"], "number, category, datetime", id="kind"),
        pytest.param(["--kinds", "age"], "expected COLUMN=KIND", id="no kind"),
        pytest.param(
            ["--kinds", "shop=category"], "its columns are age, visits", id="column"
        ),
        pytest.param(["--kinds", "ill=text"], "--kinds names ill", id="target"),
    ],
)
def test_a_wrong_reading_option_gets_one_sentence(
    folder, capsys, command, options, words
):
    needed = {"augment": ["--out", "out.csv"], "estimate": ["--model", "m"]}

    code = run(command, "in.csv", "--target", "ill", *options, *needed.get(command, []))

    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith(f"t2sampler {command}: ")
    assert words in said
    assert said.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param("b=number", [("b", "number")], id="one"),
        pytest.param(
            " b = id , a=text", [("b", "id"), ("a", "text")], id="spaces around"
        ),
        pytest.param('"a,b"=private', [("a,b", "private")], id="quoted"),
        pytest.param("a=b=text,c=id", [("a=b", "text"), ("c", "id")], id="equals sign"),
        pytest.param("z=id,a, b=text", [("z", "id"), ("a,b", "text")], id="comma"),
    ],
)
def test_kinds_are_read_from_text(text, kinds):
    assert cli._read_kinds(text) == kinds


def test_kinds_are_those_of_the_sampler():
    assert set(cli.KINDS) == set(GIVEN_KINDS)


def test_kinds_are_obeyed(folder, capsys):
    """Numbers are generated, categories and text copied, private values left out."""
    lines = (folder / "in.csv").read_text().splitlines()
    head = f"{lines[0]},shop,mail"
    rows = [f"{line},{7 * i}.10,{i}" for i, line in enumerate(lines[1:])]
    (folder / "in.csv").write_text("\n".join([head, *rows]) + "\n")
    kinds = ["--kinds", "shop=category,mail=private", "--kinds", "visits=text"]

    assert augment(*kinds) == 0

    out = (folder / "out.csv").read_text().splitlines()
    assert out[1:41] == rows
    assert set(pick(out, "mail")[40:]) == {""}
    assert set(pick(out, "shop")[40:]) <= set(pick(out, "shop")[:40])
    assert run("plan", "in.csv", "--target", "ill", *kinds) == 0
    assert re.search("left missing.*mail", capsys.readouterr().out)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_private_integers_are_left_out_not_zero(folder, capsys, suffix):
    frame = pd.read_csv("in.csv")
    phones = 49170000000 + np.random.default_rng(0).permutation(10**6)[:40] * 17
    frame = frame.assign(phone=phones, code=phones[::-1])
    if suffix == ".csv":
        frame.to_csv("in.csv", index=False)
    else:
        frame.to_parquet("in.parquet")
    names = [f"{stem}{suffix}" for stem in ("in", "out")]
    options = ["--target", "ill", "--out", names[1], "--kinds", "code=private"]

    assert run("augment", names[0], *options) == 0

    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    new = read(names[1])[40:]
    assert new[["phone", "code"]].isna().all(axis=None)
    assert "--kinds 'phone=private'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        pytest.param(
            lambda i: "?" if i % 9 == 0 else f"{i}.{i:02}", r"\d+\.\d\d|\?", id="?"
        ),
        pytest.param(
            lambda i: "unknown" if i % 9 == 0 else f"{i}", r"\d+|unknown", id="word"
        ),
        pytest.param(
            lambda i: "N/A" if i % 9 == 0 else f"{i}.50", r"\d+\.\d\d|N/A", id="N/A"
        ),
        pytest.param(
            lambda i: f'"{1234 + 97 * i:,}.50"', r'"\d,\d{3}\.\d0"', id="thousands"
        ),
        pytest.param(lambda i: f"{i}.5%", r"\d+\.\d%", id="percent"),
        pytest.param(lambda i: f"${i}.00", r"\$\d+\.\d\d", id="currency"),
        pytest.param(lambda i: f'"{i},50"', r'"\d+,\d\d"', id="decimal comma"),
        pytest.param(
            lambda i: f"{i % 12 + 1}/{i % 28 + 1}/2021", r"\d+/\d+/2021", id="day"
        ),
    ],
)
def test_numbers_and_dates_that_are_text_are_generated(folder, capsys, cell, pattern):
    lines = (folder / "in.csv").read_text().splitlines()
    order = np.random.default_rng(1).permutation(40)
    rows = [f"{cell(i)},{line}" for i, line in zip(order, lines[1:], strict=True)]
    text = "\n".join([f"fee,{lines[0]}", *rows]) + "\n"
    (folder / "in.csv").write_text(text)

    assert augment() == 0

    out = (folder / "out.csv").read_text()
    assert out.startswith(text)
    new = out[len(text) :].splitlines()
    assert len(new) == 24
    assert all(re.match(rf"(?:{pattern}),", line) for line in new)
    assert len({re.match(pattern, line).group() for line in new}) > 3
    assert "fee" not in capsys.readouterr().err


def test_an_advice_names_the_option(folder, capsys):
    lines = (folder / "in.csv").read_text().splitlines()
    cells = ["much" if i == 30 else f"{i}.5%" for i in range(40)]
    rows = [f"{line},{cell}" for line, cell in zip(lines[1:], cells, strict=True)]
    (folder / "in.csv").write_text("\n".join([f"{lines[0]},rate", *rows]) + "\n")

    assert augment() == 2

    said = capsys.readouterr().err
    assert "'much'" in said
    assert "--kinds 'rate=category'" in said
    assert "column_kinds" not in said
    assert augment("--kinds", "rate=category") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["demo", "--sep", ";"], id="no table"),
        pytest.param(
            ["plan", "in.parquet", "--target", "y", "--decimal", ","], id="Parquet"
        ),
    ],
)
def test_reading_options_need_a_csv(folder, capsys, arguments):
    (folder / "in.parquet").write_bytes(b"PAR1")

    assert run(*arguments) == 2

    assert "needs a table in CSV" in capsys.readouterr().err


def test_the_target_is_found_with_spaces_around(folder):
    text = (folder / "in.csv").read_text().replace(",", ", ")
    (folder / "in.csv").write_text(text)

    assert augment("--strategy", '{"yes": 20}') == 0

    out = (folder / "out.csv").read_text()
    assert out.startswith(text)
    assert out.splitlines()[-1].count(", ") == 5


def test_a_stray_index_goes_on(folder):
    frame = pd.read_csv("in.csv").sample(frac=1, random_state=0)
    frame.index += 100
    frame.to_csv("in.csv")

    assert augment("--report", "report.html") == 0

    rows = (folder / "out.csv").read_text().splitlines()
    assert rows[0].startswith(",age,")
    assert pick(rows, "")[40:] == [str(140 + i) for i in range(24)]


def test_what_is_said_of_a_run_is_one_line_each(folder, capsys):
    frame = pd.read_csv("in.csv")
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(list("abcdefgh"), 9)) for _ in range(len(frame))]
    frame.assign(note=words).to_csv("in.csv", index=False)

    assert augment("--kinds", "note=private") == 0

    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("t2sampler augment: ") for line in lines)
    assert len(set(lines)) == len(lines)
    assert not any("Warning" in line for line in lines)


def test_a_folder_is_no_table(folder, capsys):
    (folder / "rows.parquet").mkdir()

    assert run("plan", "rows.parquet", "--target", "y") == 2
    assert augment(out="rows.parquet") == 2

    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("rows.parquet: Is a directory.")
    assert second.endswith("rows.parquet cannot be written: it is a folder.")


def test_demo_writes_into_folders_only(folder, capsys):
    assert run("demo", "--out", "in.csv") == 2

    assert "in.csv is a file, not a folder" in capsys.readouterr().err


def test_excel_needs_a_library(folder, capsys, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)

    assert augment(out="out.xlsx") == 2

    said = capsys.readouterr().err
    assert "out.xlsx needs openpyxl, the extra `excel` of t2sampler." in said


@pytest.mark.parametrize(
    ("name", "out"),
    [("in.tsv", "out.tsv.gz"), ("in.parquet", "out.csv"), ("in.csv.gz", "out.parquet")],
)
def test_formats_in_and_out(folder, name, out):
    frame = pd.read_csv("in.csv")
    if name.endswith("parquet"):
        frame.to_parquet(name)
    else:
        frame.to_csv(name, sep="\t" if "tsv" in name else ",", index=False)

    assert run("augment", name, "--target", "ill", "--out", out, "--factor", "1.5") == 0

    if out.endswith("parquet"):
        back = pd.read_parquet(out)
    else:
        back = pd.read_csv(out, sep="\t" if "tsv" in out else ",")
    assert list(back) == list(frame)
    assert len(back) == 60
    assert back["paid"].head(40).tolist() == frame["paid"].tolist()


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
        pytest.param([*AUGMENT[:-1], "out.xls"], id="suffix"),
        pytest.param([*AUGMENT, "--report", "page.pdf"], id="suffix of the report"),
        pytest.param([*AUGMENT, "--factor", "0"], id="factor"),
        pytest.param([*AUGMENT, "--strategy", "most"], id="strategy"),
        pytest.param([*AUGMENT, "--seed", "-1"], id="seed"),
        pytest.param([*AUGMENT, "--encoding", "hex"], id="encoding"),
        pytest.param([*AUGMENT, "--kinds", "age=int"], id="kind"),
        pytest.param([*AUGMENT, "--test-size", "2.5"], id="test size"),
        pytest.param([*AUGMENT[:-1], "./in.csv"], id="the table itself"),
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


@pytest.mark.parametrize("generator", ["epic", "h-tdbu"])
def test_another_system_writes_the_rows(folder, endpoint, capsys, generator):
    options = [*endpoint.options, "--generator", generator]

    assert augment(*options, "--strategy", '{"yes": 10}') == 0

    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10
    assert f"asked: {len(endpoint.bodies)} calls" in capsys.readouterr().out
    assert len(endpoint.bodies) > 0


def test_rules_make_rows_without_a_model(folder):
    assert augment("--generator", "h-tdbu", "--strategy", '{"yes": 10}') == 0

    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10


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
        pytest.param(["--generator", "cllm"], "cllm needs --model", id="generator"),
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
