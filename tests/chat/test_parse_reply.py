"""The complete rows of a reply are found by their numbers, whatever its form."""

import json

import pytest

from t2sampler.chat import _parse_reply as parsing
from t2sampler.chat._parse_reply import make_key_finder, parse_rows

KEYS = ["c1", "c2"]
ROWS = [{"i": 1, "c1": 5, "c2": "a"}, {"i": 2, "c1": [10, 20], "c2": None}]
GOOD = json.dumps({"rows": ROWS})
FOUND = {row["i"]: {key: row[key] for key in KEYS} for row in ROWS}


def read(text, wanted=(1, 2), names=None):
    parsed = parse_rows(text, KEYS, wanted, make_key_finder(KEYS, names or {}))
    rows = {n: {key: row[key] for key in KEYS} for n, row in parsed.rows.items()}
    return rows, +parsed.repairs, parsed.faults


def test_a_good_reply_needs_no_repair():
    assert read(GOOD) == (FOUND, {}, {})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps({"data": ROWS}),
        json.dumps({"rows": {str(row["i"]): row for row in ROWS}}),
        json.dumps({str(row["i"]): {k: row[k] for k in KEYS} for row in ROWS}),
        f"```json\n{GOOD}\n```",
        f"Here are [2] rows {{as you asked}}:\n\n{GOOD}\n\nAnything else?",
        f"Rows:\n{json.dumps(ROWS, indent=2)}",
        "\n".join(json.dumps(row) for row in ROWS),
        f"\ufeff{GOOD}",
        GOOD[:-1],
        GOOD[:-2],
        GOOD.replace("}]}", "},]}"),
        f"{GOOD}{GOOD}",
    ],
)
def test_rows_are_found_in_other_json_structures(text):
    rows, repairs, faults = read(text)

    assert rows == FOUND
    assert repairs
    assert not faults


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"rows": [[1, 5, "a"], [2, [10, 20], None]]}),
        json.dumps([[1, 5, "a"], [2, [10, 20], None]]),
        '{"rows":[[1,5,"a"],[2,[10,20],null],[3,',
        '[1,5,"a"]\n[2,[10,20],null]',
    ],
)
def test_values_without_a_key_are_no_row(text):
    """Their place says nothing: a model may list them in any order."""
    assert read(text)[0] == {}


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_a_cut_off_reply_keeps_its_whole_rows_and_nothing_else(cut):
    rows, _, _ = read(GOOD[:cut], range(100))

    whole = [
        row["i"]
        for row in ROWS
        if cut >= GOOD.index(json.dumps(row)) + len(json.dumps(row))
    ]
    assert rows == {i: FOUND[i] for i in whole}


def test_a_list_in_a_broken_row_is_no_row():
    text = '{"rows":[{"i":1,"c1":[7,5,6],"c2":oops},{"i":2,"c1":1,"c2":"b"}]}'

    assert read(text, range(100))[0] == {2: {"c1": 1, "c2": "b"}}


def test_rows_after_a_broken_one_are_kept():
    text = json.dumps({"rows": [*ROWS, {"i": 3, "c1": 1, "c2": "b"}]})

    rows, _, _ = read(text.replace('"c1": 5', '"c1": 5,5'), (1, 2, 3))

    assert list(rows) == [2, 3]


@pytest.mark.parametrize(
    ("rows", "numbers", "repair"),
    [
        ([{"i": "1", "c1": 5, "c2": "a"}], [1], parsing.ID_AS_TEXT),
        ([{"i": 1.0, "c1": 5, "c2": "a"}], [1], None),
        ([ROWS[0], {**ROWS[0], "c1": 9}], [1], parsing.REPEATED_ROW),
        ([{**ROWS[0], "i": 7}], [], parsing.UNKNOWN_NUMBER),
        ([{**ROWS[0], "i": -1}], [], parsing.UNKNOWN_NUMBER),
        ([{**ROWS[0], "i": True}], [], parsing.NO_ROW),
        ([{**ROWS[0], "i": None}], [], parsing.NO_ROW),
        ([{**ROWS[0], "i": "one"}], [], parsing.NO_ROW),
        ([{"c1": 5, "c2": "a"}], [], parsing.NO_ROW),
        ([ROWS[0], 5, "x", None], [1], parsing.NO_ROW),
        ([{**ROWS[0], "c9": 1}], [1], parsing.SURPLUS_VALUE),
        ([[1, 2]], [], parsing.NO_ROW),
    ],
)
def test_repairs_are_counted(rows, numbers, repair):
    parsed, repairs, _ = read(json.dumps({"rows": rows}))

    assert list(parsed) == numbers
    assert not parsed or parsed[1] == FOUND[1]
    assert set(repairs) == ({repair} if repair else set())


def test_rows_without_all_values_are_faults():
    rows, _, faults = read('{"rows":[{"i":1,"c1":5}]}')

    assert rows == {}
    assert faults == {1: "the row has no value for c2"}


def test_of_values_sent_twice_the_first_counts():
    rows, repairs, _ = read('{"rows":[{"i":1,"c1":5,"c2":"a","c1":6}]}')

    assert rows == {1: FOUND[1]}
    assert repairs == {parsing.REPEATED_VALUE: 1}


def test_a_column_may_be_called_by_an_alias():
    names = {"age": "c1"}

    rows, repairs, _ = read('{"rows":[{"i":1,"age":5,"c2":"a"}]}', names=names)
    both, _, _ = read('{"rows":[{"i":1,"age":9,"c1":5,"c2":"a"}]}', names=names)

    assert rows == both == {1: FOUND[1]}
    assert repairs == {parsing.OTHER_KEY: 1}


@pytest.mark.parametrize("word", ["blood sugar", "Blood_Sugar", "BLOODSUGAR", "c1"])
def test_keys_are_found_in_any_spelling(word):
    find_key = make_key_finder(["bloodSugar"], {"c1": "bloodSugar", "c2": "bmi"})

    assert find_key(word) == "bloodSugar"


def test_names_that_differ_by_case_only_must_be_exact():
    find_key = make_key_finder(["Int64", "int64"], {})

    assert [find_key(word) for word in ("int64", "Int64", "INT64")] == [
        *("int64", "Int64", "")
    ]


def test_an_alias_of_another_column_is_not_taken_for_this_one():
    find_key = make_key_finder(["dose"], {"Dose": "c7"})

    assert [find_key(word) for word in ("dose", "Dose", "DOSE")] == ["dose", "", ""]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "null", "5", '"rows"', "[]", "{}", '{"rows":[]}', '{"rows":5}'),
        *("I cannot do that.", "{" * 100_000, "[" * 100_000, '{"rows":[' * 5000),
        *('{"a":' * 10_000, '{"rows":[{"i":' + "9" * 10_000 + "}]}", "\x00\ud800"),
        '{"a":"' * 20_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_rows_no_error(text):
    assert read(text)[0] == {}


def test_numbers_beyond_floats_and_python():
    assert parsing.load_json("9" * 10_000) == float("inf")


@pytest.mark.parametrize(
    "text",
    [
        '{"rows":[{"c1":5,"c2":"a"},{"c1":6,"c2":"b"}]}',
        '[{"c2":"a","c1":5},{"c1":6,"c2":"b"}]',
        '{"yes":[{"c1":5,"c2":"a"}],"no":[{"c1":6,"c2":"b"}]}',
        '{"rows":{"yes":[{"c1":5,"c2":"a"}],"no":[{"c1":6,"c2":"b"}]}}',
        '{"rows":[{"i":7,"c1":5,"c2":"a"},{"i":7,"c1":6,"c2":"b"}]}',
        'Here:\n{"i":0,"c1":5,"c2":"a"}\n{"i":1,"c1":6,"c2":"b"}',
        '{"c1":1,"c2":"echo"}\n{"rows":[{"i":0,"c1":5,"c2":"a"},{"i":1,"c1":6,"c2":"b"}]}',
    ],
)
def test_rows_may_be_numbered_as_they_come(text):
    parsed = parse_rows(text, KEYS, range(1, 9), is_numbered=False)

    rows = {n: {key: row[key] for key in KEYS} for n, row in parsed.rows.items()}
    assert sorted(rows) == [1, 2]
    in_order = sorted(rows.values(), key=lambda row: row["c1"])
    assert in_order == [{"c1": 5, "c2": "a"}, {"c1": 6, "c2": "b"}]


def test_optional_values_may_be_left_out():
    parsed = parse_rows('{"rows":[{"i":2,"c2":"a"}]}', KEYS, {2}, optional=["c1"])

    assert parsed.rows == {2: {"c2": "a"}}
