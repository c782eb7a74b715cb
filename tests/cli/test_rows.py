"""New rows by number, as a folder of Parquet files."""

import importlib.util

import pandas as pd
import pytest
from doubles.command_line import augment

from t2sampler.sampling import draw_partitions


def test_a_folder_is_written_and_left_as_it_is(folder, capsys):
    assert augment("--rows", "1e2", "--seed", 4, out="rows/") == 0

    said = capsys.readouterr()
    rows = pd.read_parquet("rows")
    assert said.out == "rows: 100 new rows in 1 file, 0 of them repeated real ones\n"
    assert rows["ill"].value_counts().to_dict() == {"no": 80, "yes": 20}
    assert rows["day"].dtype.kind == "M"
    before = {
        path.name: path.stat().st_mtime_ns for path in (folder / "rows").iterdir()
    }
    assert augment("--rows", 100, "--seed", 4, out="rows") == 0  # the same folder
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "rows").iterdir()}
    assert after == before


def test_a_folder_of_another_run_is_refused(folder, capsys):
    assert augment("--rows", 60, out="rows/") == 0
    capsys.readouterr()

    assert augment("--rows", 60, "--seed", 1, out="rows") == 2  # it is there by now
    assert "which is not of this run" in capsys.readouterr().err


def test_held_out_rows_are_not_learned_from(folder):
    options = ["--test-size", 10, "--test-out", "test.csv", "--jobs", 1]
    assert augment("--rows", 40, *options, out="rows/") == 0

    assert len(pd.read_csv("test.csv")) == 10
    assert len(pd.read_parquet("rows")) == 40


def test_several_files_tell_of_repeats(folder, capsys, monkeypatch):
    def draw_small(*args, **settings):
        return draw_partitions(*args, rows_per_partition=25, **settings)

    monkeypatch.setattr("t2sampler._commands.draw_partitions", draw_small)

    assert augment("--rows", 50, out="rows/") == 0
    said = capsys.readouterr()
    assert "50 new rows in 2 files" in said.out
    assert "a row may stand in several of them" in said.err


@pytest.mark.parametrize(
    ("arguments", "out", "message"),
    [
        ([], "rows/", "--out rows is a folder, which needs --rows"),
        ([], "rows", "--out rows is a folder, which needs --rows"),
        (["--rows", "9"], "rows.txt", "With --rows it is a folder, such as rows/"),
        (["--jobs", "2"], "out.csv", "--jobs needs --rows"),
        (["--rows", "9"], "out.csv", "--rows writes a folder of Parquet files"),
        (
            ["--rows", "9", "--report", "page.html"],
            "rows/",
            "--report does not go with",
        ),
        (["--rows", "9", "--mark", "new"], "rows/", "--mark does not go with --rows"),
        (["--rows", "9", "--model", "m"], "rows/", "--model does not go with --rows"),
        (["--rows", "9", "--test-size", "5"], "rows/", "--test-size needs --test-out"),
        (["--rows", "2.5"], "rows/", "argument --rows: expected a whole number"),
        (["--rows", "0"], "rows/", "argument --rows: expected a number of at least 1"),
        (["--rows", "inf"], "rows/", "argument --rows: expected a number"),
        (["--rows", "9", "--factor", "2"], "rows/", "not allowed with argument"),
        (
            ["--rows", "9", "--jobs", "0"],
            "rows/",
            "argument --jobs: expected an integer",
        ),
        (["--rows", "9"], "in.csv/", "in.csv/ is a file, not a folder"),
    ],
)
def test_a_wrong_option_gets_one_sentence(folder, capsys, arguments, out, message):
    assert augment(*arguments, out=out) == 2

    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_folder_needs_a_library(folder, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert augment("--rows", 9, out="rows/") == 2
    assert "rows/ needs pyarrow, the extra `parquet`" in capsys.readouterr().err
