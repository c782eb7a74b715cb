"""How a table is read, and what its columns are."""

import re

import numpy as np
import pandas as pd
import pytest
from doubles.command_line import augment, pick, run

from t2sampler import _cli_values
from t2sampler._kinds import GIVEN_KINDS

pytestmark = pytest.mark.usefixtures("few_trees")


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


@pytest.mark.parametrize("command", ["augment", "plan", "estimate", "demo", "compare"])
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
    assert _cli_values.read_kinds(text) == kinds


def test_kinds_are_those_of_the_sampler():
    assert set(_cli_values.KINDS) == set(GIVEN_KINDS)


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
    monkeypatch.setattr(_cli_values.importlib.util, "find_spec", lambda name: None)

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
