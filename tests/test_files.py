"""What is read from a file is written back the same."""

import pandas as pd
import pytest

from t2sampler._files import read_table, write_table, write_text
from t2sampler.exceptions import SchemaError

TEXT = pd.Series(["a"]).dtype  # str as of pandas 3, before it object
DATES = pd.to_datetime(["2024-01-31"]).dtype  # microseconds as of pandas 3


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        pytest.param("1 2 3", "int64", id="integers"),
        pytest.param("1 . 3", "Int64", id="integers with a blank"),
        pytest.param("007 12 .", TEXT, id="codes with leading zeros"),
        pytest.param("1.0 2.0 3.5", "float64", id="floats"),
        pytest.param("0.1 . 1e-05", "float64", id="floats with a blank"),
        pytest.param("True False True", "bool", id="bools"),
        pytest.param("True . False", "boolean", id="bools with a blank"),
        pytest.param("red . blue", TEXT, id="text"),
        pytest.param("2024-01-31 . 2024-02-01", DATES, id="dates"),
        pytest.param("31.1.2024 1.2.2024 .", TEXT, id="other dates"),
        pytest.param("2024-01-31 soon .", TEXT, id="dates and text"),
        pytest.param("99999999999999999999 3 .", TEXT, id="numbers too large"),
    ],
)
def test_csv_comes_back_as_it_was(tmp_path, cells, dtype):
    rows = ["" if cell == "." else cell for cell in cells.split()]
    text = "a,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(rows))
    path = write(tmp_path / "in.csv", text)

    frame = read_table(path, "y")
    write_table(frame, tmp_path / "out.csv")

    assert frame["a"].dtype == dtype
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param("2024-01-31 07:00:00|2024-02-01 00:00:00", id="moments"),
        pytest.param("2024-01-31 00:00:00|2024-02-01 00:00:00", id="midnights"),
    ],
)
def test_moments_come_back_as_they_were(tmp_path, moments):
    text = "a,y\n" + "".join(f"{cell},1\n" for cell in moments.split("|"))

    frame = read_table(write(tmp_path / "in.csv", text), "y")
    write_table(frame, tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_other_formats_come_back_as_they_were(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1, 2], "b": ["u", None], "y": [True, False]})
    path = tmp_path / f"table{suffix}"

    write_table(frame, path)

    back = read_table(path, "y")
    # before pandas 3 what is missing among text is None or NaN, as the format has it
    pd.testing.assert_frame_equal(back.fillna("missing"), frame.fillna("missing"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "cannot be read as a table", id="empty"),
        pytest.param("a,b\n1,2\n", "no column 'y'; its columns are a, b", id="target"),
        pytest.param("a,y\n1,2\n1,2,3\n", "cannot be read as a table", id="ragged"),
        pytest.param("a,y\n1,2,3\n1,2,3\n", "more cells than", id="extra cells"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, words):
    path = write(tmp_path / "in.csv", text)

    with pytest.raises(SchemaError, match=words):
        read_table(path, "y")


def test_text_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes("a,y\nblöd,1\n".encode("latin-1"))

    with pytest.raises(SchemaError, match="UTF-8"):
        read_table(path, "y")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "page.html", "old")

    with pytest.raises(UnicodeEncodeError):
        write_text("\ud800", path)

    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == "old"
