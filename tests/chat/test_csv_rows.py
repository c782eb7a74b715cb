"""CSV rows: what is written is read again, and no value moves to another column."""

import random

import numpy as np
import pandas as pd
import pytest

from t2sampler.chat._csv_rows import CsvRows
from t2sampler.chat._prompts import write_system
from t2sampler.llm._base import ChatRequest
from t2sampler.testing import answer_competently

KEYS = ["label", "kind", "size"]  # neither the table's order nor the alphabet's


@pytest.fixture
def context(make_context):
    """Return the context of a table whose rows are easy to write by hand."""
    X = pd.DataFrame(
        {
            "size": [10, 4000, 25, 17, 31, np.nan],
            "kind": ["a", "b, or c", "a", 'say "x"', "b, or c", "a"],
        }
    )
    return make_context(X, pd.Series(["no", "yes"] * 3, name="label"))


@pytest.fixture
def rows(context):
    return CsvRows(context, KEYS)


def values(context, decoded):
    """Return decoded rows as values, by number."""
    return {
        number: tuple(context.formatter(key).format(codes[key]) for key in KEYS)
        for number, codes in decoded.codes.items()
    }


def codes_of(context, keys, row):
    return {key: context.codes_of(key)[row] for key in keys}


def test_real_rows_of_all_kinds_come_back_without_a_repair(mixed):
    keys = ["label", *mixed.columns_by_key()][::-1]
    written = CsvRows(mixed, keys)
    order = np.random.default_rng(3).permutation(60).tolist()

    decoded = written.parse(f"{written.header}\n{written.write(order)}")

    assert not decoded.faults
    assert not decoded.repairs
    for number, row in enumerate(order, start=1):
        for key, code in codes_of(mixed, keys, row).items():
            shown = mixed.formatter(key)
            assert shown.format(decoded.codes[number][key]) == shown.format(code)


ODD_LEVELS = [
    *("1", 1, 2.5, "2.5", "true", "", " b", "b", "nan", "NA", "x,y", 'x"y', '"', "a;b"),
    *(
        "a|b",
        "a\tb",
        "a\nb",
        "a\\nb",
        "a\\nb,",
        "<|im_end|>",
        "```",
        "---",
        "kind",
        "é",
    ),
    *("a\u2028b", '","', '"x"', "x\r\ny"),
]


def test_levels_that_csv_could_mistake_come_back(make_context):
    kind = pd.Series(ODD_LEVELS * 3, dtype=object).astype("category")
    X = pd.DataFrame({"kind": kind, "n": np.arange(len(kind)) % 7})
    y = pd.Series(np.arange(len(kind)) % 2, name="label")
    context = make_context(X, y)
    written = CsvRows(context, [*KEYS[1::-1], "n"])
    order = np.random.default_rng(1).permutation(len(kind)).tolist()
    text = written.write(order)

    for reply in (text, f"{written.header}\n{text}"):
        decoded = written.parse(reply)
        assert not decoded.faults
        assert not decoded.repairs
        read = [decoded.codes[n + 1]["kind"] for n in range(len(order))]
        assert read == context.codes_of("kind")[order].tolist()
    assert "<|im_end|>" not in text


def test_quotes_of_levels_may_come_or_go(make_context):
    X = pd.DataFrame({"kind": pd.Categorical(["<s> x", 7, "b"] * 4), "n": range(12)})
    context = make_context(X, pd.Series(["u", "v"] * 6, name="label"))
    written = CsvRows(context, KEYS[:2])
    assert written.write([0]) == 'u,"\\u003cs> x"'

    decoded = written.parse('u,\\u003cs> x\nv,"<s> x"\n"u","7"\nv,"b"')

    assert not decoded.faults
    assert not decoded.repairs
    read = [context.formatter("kind").format(c["kind"]) for c in decoded.codes.values()]
    assert read == ["<s> x", "<s> x", 7, "b"]


ROW = ("yes", "a", 25)


@pytest.mark.parametrize(
    "reply",
    [
        "yes,a,25",
        "size,label,kind\n25,yes,a",
        "Size , KIND, y\n25,a,yes",
        "c1,label,c2\n25,yes,a",
        "Sure, rows, as asked, both:\n\n```csv\nkind,label,size\na,yes,25\n```\nBye.",
        "Here is a row:\n```\nyes,a,25\n```",
        '"yes","a","25"',
        'yes , "a" , 25',
        "yes;a;25",
        "size\tlabel\tkind\n25\tyes\ta",
        "| kind | size | label |\n|:--|--:|---|\n| a | 25 | yes |",
        "yes | a | 25",
        "label,kind,size\nyes,a,25,",
        "label,kind,size,\nyes,a,25,\n",
        "yes,a,25,,",
        "#,kind,size,label\n7,a,25,yes",
        "kind,note,size,label\na,a note,25,yes",
        "label,category,size\nyes,a,25",
        "\r\nlabel,kind,size\r\nyes,a,25\r\n",
        "label,kind,size\nyes\nyes,a,25",
        "label,kind,size\nlabel,kind,size\nsize,kind,label\n25,a,yes",
    ],
)
def test_a_row_is_read_however_it_comes(context, rows, reply):
    decoded = rows.parse(reply)

    assert values(context, decoded) == {1: ROW}
    assert not decoded.faults


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("yes,a", "2 cells"),
        ("yes,a,1,200", "4 cells"),
        ("yes,b, or c,17", "4 cells"),
        ("yes,,25", "'kind'"),
        ("a,yes,25", "'kind'"),
        ("yes,a,big", "'size'"),
        ("perhaps,a,25", "'label'"),
        ('yes,"b, or c,17', "4 cells"),
    ],
)
def test_a_line_that_is_no_row_is_a_fault_and_moves_nothing(context, rows, line, fault):
    decoded = rows.parse(f"no,a,31\n{line}\nyes,a,25")

    assert values(context, decoded) == {1: ("no", "a", 31), 3: ROW}
    assert fault in decoded.faults[2]


@pytest.mark.parametrize(
    "header", ["label,size", "kind,label,weight,height", "label,#,size"]
)
def test_a_header_without_a_column_gives_no_row(rows, header):
    n_cells = header.count(",") + 1
    decoded = rows.parse(f"{header}\n{','.join(['yes', '1', '2', '3'][:n_cells])}")

    assert not decoded.codes
    assert decoded.faults


def test_rows_before_the_first_header_are_rows(context, rows):
    decoded = rows.parse("no,a,31\n\nsize,label,kind\n25,yes,a\nA.\n31,no,a")

    assert values(context, decoded) == {1: ("no", "a", 31), 2: ROW, 3: ("no", "a", 31)}


def test_empty_cells_are_missing_values(context, rows):
    decoded = rows.parse('no,a,\nno,a,""\nno,a,NaN\nno,a,null')

    assert values(context, decoded) == dict.fromkeys(range(1, 5), ("no", "a", None))


def test_quoted_numbers_have_thousands(context, rows):
    decoded = rows.parse('yes,a,"1,200"\nno,a,"31"')

    assert values(context, decoded) == {1: ("yes", "a", 1200), 2: ("no", "a", 31)}
    assert decoded.repairs["thousands separators left out"] == 1


def test_lines_that_count_up_are_read_without_their_number(context, rows):
    decoded = rows.parse("label,kind,size\n1,yes,a,25\n2,no,a,31\n3,yes,a,25")

    assert values(context, decoded) == {1: ROW, 2: ("no", "a", 31), 3: ROW}
    assert not rows.parse("1,yes,a,25\n7,no,a,31\n3,yes,a,25").codes


def test_a_number_with_a_comma_is_not_the_number_of_a_line(make_context):
    X = pd.DataFrame({"size": [100, 250, 1200, 900]})
    context = make_context(X, pd.Series([1, 2, 1, 2], name="label"))

    decoded = CsvRows(context, ["label", "size"]).parse("1,1,200\n2,1,300")

    assert not decoded.codes
    assert len(decoded.faults) == 2


def test_decimal_commas_between_semicolons(make_context):
    X = pd.DataFrame({"size": [1.5, 2.25, 3.5, 0.75]})
    context = make_context(X, pd.Series(list("abba"), name="label"))

    decoded = CsvRows(context, ["size", "label"]).parse("1,75;b\n3,5;a")

    assert [codes["size"] for codes in decoded.codes.values()] == [1.75, 3.5]


def test_tokens_stand_for_levels(context):
    tokens = {"label": ["QZ1", "QZ0"], "kind": ["A1A", "B2B", "C3C"]}
    hidden = CsvRows(context, KEYS, tokens)
    real = range(6)

    text = hidden.write(real)
    decoded = hidden.parse(text)

    assert text.splitlines()[1] == "QZ0,B2B,4000"
    assert not decoded.repairs
    for row in real:
        want = context.format_row(row, KEYS)
        assert values(context, decoded)[row + 1] == tuple(want.values())


@pytest.mark.parametrize("text", ["", " \n\n", "```", ",,,\n,", "I cannot.", '"', "|"])
def test_a_reply_without_rows_has_none(rows, text):
    decoded = rows.parse(text)

    assert not decoded.codes


def test_no_reply_raises_or_holds_a_value_of_another_column(mixed):
    keys = ["label", *mixed.columns_by_key()]
    written, rng = CsvRows(mixed, keys), random.Random(5)
    good = f"{written.header}\n{written.write(range(8))}"
    n_read = 0

    for _ in range(400):
        text = good
        for _ in range(rng.choice([1, 1, 2, 4])):
            start, stop = sorted(rng.randrange(len(text) + 1) for _ in range(2))
            odd = rng.choice(['"', ",", "\n", ";", "|", "```", "1", "\\", "\x00", "é"])
            text = rng.choice(
                [text[:start] + odd + text[start:], text[:stop], text[start:]]
            )
        decoded = written.parse(text)
        n_read += len(decoded.codes)
        for codes in decoded.codes.values():
            assert set(codes) == set(keys)

    assert n_read > 400


@pytest.mark.parametrize("n_shown", [0, 20])
def test_scripted_models_answer_in_csv(mixed, chat, n_shown):
    keys = ["label", *mixed.columns_by_key()]
    asked, labels = CsvRows(mixed, keys), [1, 0, 0, 1, 0]
    shown = [asked.header, asked.write(range(n_shown)), "Rows:"]
    counts = ['2 x {"label":"yes"}', '3 x {"label":"no"}']
    question = "\n".join([*shown, *counts])
    messages = (("system", write_system(mixed)), ("user", question))
    replies = {
        answer_competently(ChatRequest(chat, "generator", messages, seed=seed))
        for seed in range(20)
    }

    for reply in replies:
        decoded = asked.parse(reply)
        assert not decoded.faults
        written = [codes["label"] for codes in decoded.codes.values()]
        assert sorted(written) == sorted(labels)
    assert len(replies) == 20
    assert {"label" in reply for reply in replies} == {True, False}
    assert {asked.header in reply for reply in replies} == {True, False}


def test_scripted_models_answer_in_words_where_no_rows_are_asked_for(chat):
    messages = (("system", "You judge rows."), ("user", "What can be better?"))
    first, other = (
        answer_competently(ChatRequest(chat, "critic", messages, seed=seed))
        for seed in (0, 4)
    )

    assert first.startswith("- ")
    assert first != other
