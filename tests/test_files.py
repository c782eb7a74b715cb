"""What is read from a file is written back the same."""

import codecs
import gzip
from datetime import date

import numpy as np
import pandas as pd
import pytest

from t2sampler._files import read_table, write_table
from t2sampler._storage import write_text
from t2sampler.exceptions import SchemaError

TEXT = pd.Series(["a"]).dtype  # str as of pandas 3, before it object
DATES = pd.to_datetime(["2024-01-31"]).dtype  # microseconds as of pandas 3


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def copy(path, out, *, new=(), target="y", **options):
    """Write the table of a file, and some of its rows once more as new ones."""
    table = read_table(path, target, **options)
    rows = np.arange(len(table.frame))
    frame = table.frame.iloc[[*rows, *new]]
    write_table(frame, out, source=table, rows=rows)
    return table.frame


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

    frame = copy(path, tmp_path / "out.csv", new=[2, 1, 0])

    assert frame["a"].dtype == dtype
    head, *lines = text.splitlines(keepends=True)
    again = "".join([head, *lines, *lines[::-1]])
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == again


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a;y\n12,50;u\n3,00;v\n", id="semicolon, decimal comma"),
        pytest.param("a;y\n1.234,5;u\n0,5;v\n987,0;u\n", id="thousands with points"),
        pytest.param("a;y\n12.50;u\n3.00;v\n", id="semicolon, decimal point"),
        pytest.param("a\ty\n1.5\tu\n2.25\tv", id="tab, no end of the last line"),
        pytest.param("a|y\r\n1,5|u\r\n10,25|v\r\n", id="bar, Windows"),
        pytest.param("y,a\ru,1\rv,2\r", id="old Mac"),
        pytest.param('"a","y"\n"1","u"\n"","v"\n', id="all quoted"),
        pytest.param('"a","y"\n1,"u"\n,"v"\n', id="text quoted"),
        pytest.param('a,y\n"x; y, ""z""",u\n"\n|",v\n', id="all signs in a cell"),
        pytest.param("y, a, b\nu, 1.50, k\nv, 20.25, l\n", id="spaces"),
        pytest.param(",y,a\n7,u,1\n9,v,2\n", id="stray index"),
        pytest.param(",y,a\nrow 1,u,1\nrow 2,v,2\n", id="stray index of text"),
        pytest.param("a,y,\n1,u,\n2,v,\n", id="separator at the end"),
        pytest.param("a,y\nTRUE,u\nFALSE,v\n", id="bools in capitals"),
        pytest.param("a,y\n1,NA\n2,EU\n", id="a label that reads NA"),
        pytest.param("a,y\n1,01\n2,1\n", id="labels with leading zeros"),
        pytest.param("a,y\n1,1.0\n2,0.0\n", id="labels with decimals"),
        pytest.param("a,y\n1,true\n2,false\n", id="labels in lower case"),
        pytest.param("a,y\n1.5,u\nNA,v\n", id="NA among numbers"),
        pytest.param("a,y\n1,u\n2.5,v\n", id="numbers with and without places"),
        pytest.param("a,y\n1.10,u\n2.125,v\n", id="two or three places"),
        pytest.param("a,y\n1.5e-07,u\n2e+20,v\n", id="powers of ten"),
        pytest.param("a,y\n9007199254740993,u\n-1,v\n", id="large integers"),
        pytest.param("a,y\n$5,u\n12%,v\n", id="what is text so far"),
        pytest.param("a,y\n2024-01-31 07:00:00,u\n2024-02-01 00:00:00,v\n", id="time"),
        pytest.param("a,y\n2024-01-31 00:00:00,u\n2024-02-01 00:00:00,v\n", id="0:00"),
        pytest.param("a,b|c;d,y\n1,x|y;z,u\n2,p|q;r,v\n", id="other signs in names"),
        pytest.param('"a;b";y\n1;u\n2;v\n', id="a separator in a name"),
        pytest.param("note;y\none, two, three;u\nfour, five;v\n", id="commas in text"),
        pytest.param("price, net;y\n12,50;u\n3,25;v\n", id="two commas a line"),
        pytest.param("sep=;\na;y\n1;u\n2;v\n", id="line of Excel"),
        pytest.param("größe,y\n1,ü\n2,€\n", id="letters"),
    ],
)
def test_a_csv_keeps_its_form(tmp_path, text):
    """New rows that repeat real ones are written like them, in the order 1, 0."""
    path = write(tmp_path / "in.csv", text)

    copy(path, tmp_path / "out.csv", new=[1, 0])

    out = (tmp_path / "out.csv").read_bytes().decode()
    assert out.startswith(text)
    body = text.removeprefix("sep=;\n")
    end = "\r\n" if "\r\n" in text else "\r" if "\r" in text else "\n"
    real = body.removesuffix(end).split(end, maxsplit=1)[1]
    if '"\n|"' not in real:  # a record of one line is a line
        real = real.split(end)
        assert out[len(text) :].strip(end).split(end) == [real[1], real[0]]
    back = read_table(tmp_path / "out.csv", "y").frame
    assert back["y"].tolist() == [*back["y"][:-2], back["y"].iloc[1], back["y"].iloc[0]]


def test_what_differs_among_real_rows_stays(tmp_path):
    text = "a,b,y\n 1,'x',u\n2.50,\"y\",v\n\n007, z ,u\n1e3,,v\n,,\n+4,w,u\n"

    copy(write(tmp_path / "in.csv", text), tmp_path / "out.csv")

    without_blank_lines = text.replace("\n\n", "\n").replace("\n,,\n", "\n")
    assert (tmp_path / "out.csv").read_text() == without_blank_lines


def test_rows_that_a_spreadsheet_cut_short_are_filled_up(tmp_path):
    path = write(tmp_path / "in.csv", "y,a,b\nu,1,2\nv,3\nu\n")

    frame = copy(path, tmp_path / "out.csv", new=[1])

    assert frame["b"].isna().tolist() == [False, True, True]
    assert (tmp_path / "out.csv").read_text().splitlines()[-1] == "v,3,"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        pytest.param(codecs.BOM_UTF8, "utf-8", id="UTF-8"),
        pytest.param(codecs.BOM_UTF16_LE, "utf-16-le", id="UTF-16"),
        pytest.param(codecs.BOM_UTF16_BE, "utf-16-be", id="UTF-16, big end first"),
        pytest.param(b"", "latin-1", id="latin-1"),
        pytest.param(b"", "cp1252", id="cp1252"),
        pytest.param(b"", "utf-16", id="UTF-16 without a mark"),
        pytest.param(b"", "utf-8-sig", id="UTF-8 whose mark is lost"),
    ],
)
def test_an_encoding_comes_back_with_its_mark(tmp_path, mark, encoding):
    text = "y;größe\nä;1\nö;2\n"
    code = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_bytes(mark + text.encode(code))

    frame = copy(path, out, new=[1], encoding=None if mark else encoding)

    assert list(frame) == ["y", "größe"]
    assert out.read_bytes() == mark + (text + "ö;2\n").encode(code)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("a,y\nblöd,1\n".encode("latin-1"), "UTF-8: line 2 has", id="byte"),
        pytest.param("a,y\nü,1\n".encode("utf-16-le"), "--encoding", id="no mark"),
        pytest.param("a,y\nu,1\n".encode("utf-16-le"), "--encoding utf-16", id="NUL"),
    ],
)
def test_text_in_another_encoding_is_refused(tmp_path, content, words):
    path = tmp_path / "in.csv"
    path.write_bytes(content)

    with pytest.raises(SchemaError, match=words):
        read_table(path, "y")


@pytest.mark.parametrize(
    ("options", "text", "values"),
    [
        pytest.param({"sep": "#"}, "a#y\n1#u\n2#v\n", [1, 2], id="separator"),
        pytest.param({"sep": " "}, "a y\n1   u\n2 v\n", [1, 2], id="spaces"),
        pytest.param({"decimal": ","}, 'a,y\n"1,5",u\n2,v\n', [1.5, 2], id="decimal"),
        pytest.param(
            {"decimal": "."}, "a;b;y\n1.5;1,2;u\n2;1,3;v\n", [1.5, 2], id="point"
        ),
        pytest.param(
            {"na_values": ["?", "-9"]},
            "a,y\n?,u\n3,v\n-9,v\n",
            [None, 3, None],
            id="na",
        ),
        pytest.param(
            {"kinds": {"a": "category"}},
            "a,y\n1.10,u\n1.1,v\n",
            ["1.10", "1.1"],
            id="kind",
        ),
        pytest.param({}, "a;y\n1,234;u\n5,678;v\n", ["1,234", "5,678"], id="either"),
        pytest.param(
            {}, "b;a;y\n0,25;1,234;u\n1;5,678;v\n", [1.234, 5.678], id="told by another"
        ),
        pytest.param(
            {}, "b;a;y\n0.25;3,4;u\n1;1,2;v\n", ["3,4", "1,2"], id="a point elsewhere"
        ),
        pytest.param(
            {}, "a;y\n31.12.2024;u\n1.1.2025;v\n", ["31.12.2024", "1.1.2025"], id="day"
        ),
    ],
)
def test_options_and_what_is_found_without(tmp_path, options, text, values):
    frame = read_table(write(tmp_path / "in.csv", text), "y", **options).frame

    found = frame["a"].astype(object).where(frame["a"].notna(), None).tolist()
    assert found == values


def test_a_number_is_read_to_the_last_bit(tmp_path):
    numbers = np.random.default_rng(0).normal(size=200)
    lines = [f"{number!r},{i % 2}\n" for i, number in enumerate(numbers.tolist())]

    frame = read_table(write(tmp_path / "in.csv", "a,y\n" + "".join(lines)), "y").frame

    assert frame["a"].tolist() == numbers.tolist()


@pytest.mark.parametrize(
    ("name", "out", "text"),
    [
        pytest.param("in.csv", "out.tsv", "a\ty\n1,5\tu\n2,5\tv\n", id="to tabs"),
        pytest.param("in.tsv", "out.csv", 'a,y\n"1,5",u\n"2,5",v\n', id="from tabs"),
        pytest.param("in.csv.gz", "out.csv.gz", "a;y\n1,5;u\n2,5;v\n", id="gzip"),
        pytest.param("in.csv", "out.tsv.gz", "a\ty\n1,5\tu\n2,5\tv\n", id="both"),
    ],
)
def test_the_suffix_names_separator_and_compression(tmp_path, name, out, text):
    sep = "\t" if "tsv" in name else ";"
    content = f"a{sep}y\n1,5{sep}u\n2,5{sep}v\n".encode()
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (tmp_path / name).write_bytes(packed)

    frame = copy(tmp_path / name, tmp_path / out)

    assert frame["a"].tolist() == [1.5, 2.5]
    written = (tmp_path / out).read_bytes()
    assert (
        gzip.decompress(written) if out.endswith(".gz") else written
    ) == text.encode()


@pytest.mark.parametrize("suffix", [".csv.gz", ".tsv", ".parquet"])
def test_other_formats_come_back_as_they_were(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1, 2], "b": ["u", None], "y": [True, False]})
    path = tmp_path / f"table{suffix}"

    write_table(frame, path)

    back = read_table(path, "y").frame
    # before pandas 3 what is missing among text is None or NaN, as the format has it
    pd.testing.assert_frame_equal(back.fillna("missing"), frame.fillna("missing"))


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(pd.date_range("2024-01-01", periods=3, freq="h"), id="hours"),
        pytest.param(
            pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo", name="day"),
            id="zone",
        ),
        pytest.param(
            pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")], names=["n", "s"]),
            id="two levels",
        ),
        pytest.param(pd.Index(["r", "q", "p"]), id="text"),
    ],
)
def test_an_index_in_parquet_comes_back(tmp_path, index):
    frame = pd.DataFrame({"a": [1, 2, 3], "y": ["u", "v", "u"]}, index=index)
    frame.to_parquet(tmp_path / "in.parquet")

    copy(tmp_path / "in.parquet", tmp_path / "out.parquet", new=[0])

    back = pd.read_parquet(tmp_path / "out.parquet")
    assert type(back.index) is type(index)
    assert back.index.dtype == index.dtype
    assert back.index.equals(index.append(index[:1]))


def test_types_of_parquet_come_back(tmp_path):
    """A file that pandas has not written; it would make doubles of the integers."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table(
        {
            "n": pa.array([2, None, 2**60], pa.uint64()),
            "f": pa.array([0.5, None, 1], pa.float32()),
            "day": pa.array([date(2024, 1, 31), None, date(2024, 2, 1)]),
            "c": pa.array(["b", "a", None]).dictionary_encode(),
            "b": pa.array([True, None, False]),
            "y": pa.array(["u", "v", "u"]),
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    source = read_table(tmp_path / "in.parquet", "y")

    frame = source.frame.iloc[[0, 1, 2, 1, 2]].assign(new=[False] * 3 + [True] * 2)
    write_table(frame, tmp_path / "out.parquet", source=source, rows=[0, 1, 2])

    back = parquet.read_table(tmp_path / "out.parquet").replace_schema_metadata()
    assert back.schema == table.schema.append(pa.field("new", pa.bool_()))
    assert back.drop_columns("new").slice(0, 3) == table
    assert back.drop_columns("new").slice(3).to_pylist() == table.slice(1).to_pylist()


def test_a_workbook_comes_back(tmp_path):
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame(
        {
            " n ": [1, 2, None],
            "day": pd.to_datetime(["2024-01-31", "2024-02-01", "2024-02-02"]),
            "code": ["007", "NA", "?"],
            "y": ["u", "v", "u"],
        }
    )
    frame.to_excel(tmp_path / "in.xlsx")  # with an index that has no name

    read = copy(tmp_path / "in.xlsx", tmp_path / "out.xlsx", new=[0], na_values=["?"])

    assert read["n"].tolist()[:2] == [1, 2]
    assert read["day"].dtype.kind == "M"
    assert read["code"].isna().tolist() == [False, False, True]
    back = pd.read_excel(tmp_path / "out.xlsx", index_col=0, keep_default_na=False)
    assert back.index.tolist() == [0, 1, 2, 0]
    assert back["code"].tolist() == ["007", "NA", "", "007"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("\n\n", "is empty", id="blank lines"),
        pytest.param("a,y\n", "no rows", id="names only"),
        pytest.param("y\nu\nv\n", "one column only", id="labels only"),
        pytest.param("a#y\n1#u\n", "--sep", id="unknown separator"),
        pytest.param("a,y,a \n1,2,3\n", "more than one column named a", id="twice"),
        pytest.param("a,y\n1,u\n2,\n3, \n", "in row 2, 3 ", id="labels missing"),
        pytest.param('a,y\n"1,u\n2,v\n3,u\n', "line 2 is not closed", id="a quote"),
        pytest.param('y,a\nu,1\nv,"2\nu,3\n', "line 3 is not closed", id="quote"),
        pytest.param("a,y\n1,0.5\n2,0.5\n3,1\n", "continuous", id="fractions"),
        pytest.param("a,y\n1,12\n2,7\n3,1\n", "not classes", id="numbers"),
        pytest.param("a,y\n1,Ann\n2,Bob\n3,Cy\n4,Cy\n", "names", id="names as labels"),
        pytest.param("a,b\n1,2\n", "no column 'y'; its columns are a, b", id="target"),
        pytest.param("a,y\n1,2\n1,2,3\n", "cannot be read as a table", id="ragged"),
        pytest.param("a,y\n1,2,3\n1,2,3\n", "more cells than", id="extra cells"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, words):
    path = write(tmp_path / "in.csv", text)

    with pytest.raises(SchemaError, match=words):
        read_table(path, "y")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("in.csv.gz", b"a,y\n1,2\n", "no whole gzip", id="no gzip"),
        pytest.param(
            "in.csv.gz",
            gzip.compress(b"a,y\n1,2\n" * 99)[:-9],
            "no whole gzip",
            id="half",
        ),
        pytest.param("in.csv", gzip.compress(b"a,y\n1,2\n"), "rename it", id="gzip"),
        pytest.param("in.csv", b"PK\x03\x04 ...", ".xlsx do: rename", id="workbook"),
        pytest.param(
            "in.parquet", b"a,y\n1,2\n", "as a .parquet file", id="no Parquet"
        ),
        pytest.param(
            "in.parquet", b"PAR1PAR1", "as a .parquet file", id="half Parquet"
        ),
        pytest.param("in.parquet", b"", "as a .parquet file", id="empty Parquet"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SchemaError, match=words) as refusal:
        read_table(tmp_path / name, "y")

    assert "\n" not in str(refusal.value)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "page.html", "old")

    with pytest.raises(UnicodeEncodeError):
        write_text("\ud800", path)

    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_link_to_a_file_stays_one(tmp_path):
    path = write(tmp_path / "page.html", "old")
    (tmp_path / "link.html").symlink_to(path)

    write_text("new", tmp_path / "link.html")

    assert (tmp_path / "link.html").is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
