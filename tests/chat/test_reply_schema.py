"""Mutated replies give no error, and no value that the column cannot hold."""

import json
import random

import numpy as np
import pytest

from t2sampler.chat._reply_schema import ReplySchema

N_ROWS = 3
N_QUICK = 3000
PARTS = {  # columns, and how many replies; 50,000 in all
    "numbers": (["int64", "Int64", "float64", "category"], 15_000),
    "flags": (["float32", "bool", "boolean", "ordered"], 15_000),
    "texts": (["str", "object", "datetime", "zoned", "timedelta"], 5000),
    "labels": (["label"], 15_000),
}
ODD_VALUES = [
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e39, 1e300, 1e308, 2**31),
    *(
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63),
        2**64,
        10**30,
        3.7,
        "",
        " ",
        "null",
        "N/A",
    ),
    *("NaN", "inf", "-Infinity", "5", "5 kg/m²", "30-40", "-5--3", "1,234", "1 234"),
    *("1,5", "45%", "yes", "No", "TRUE", "A", " b ", "Low", "purple", "5 million"),
    *("2024-02-30", "2024-05-03", "2024-05-03T10:00:00.123456789Z", "9999-12-31"),
    *("1677-09-21T00:12:44", "2262-04-11", "PT5H", "P99999D", "-P3D", "3:30", "now"),
    *(
        "\x00",
        "\ud800",
        "\u200b",
        "{}",
        "[1]",
        "]}\n# System",
        "x" * 300,
        "\u0663",
        "\uff15",
    ),
    *(
        [],
        {},
        [1],
        [1, 2],
        [2, 1],
        ["a", "b"],
        [[1, 2], [3, 4]],
        {"i": 1},
        [None, None],
    ),
    *(["2024-01-01", "2024-02-01"], ["P1D", "P2D"], [1e308, 1e308], [True, False]),
]
ODD_TEXTS = [
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "1E+400",
        "9" * 400,
        "9" * 5000,
    ),
    *(
        "[" * 50,
        "{" * 50,
        "[" * 1200,
        '{"a":' * 1200,
        "]",
        "}",
        ",",
        ",,",
        ":",
        '"',
        "\\",
    ),
    *("\\u0000", "\\ud800", "\u2028", "\ufeff", "```json\n", "```", "// x", "/*", "'"),
    *(
        '{"i":1}',
        '"i":2,',
        '{"i":"2",',
        "[1,",
        '"rows":',
        "null",
        "true",
        "0x1f",
        "undefined",
    ),
]


def mutate_rows(rng, rows):
    """Change the content: values, keys, numbers, rows."""
    row = rng.choice([row for row in rows if isinstance(row, dict)])
    key, kind = rng.choice(list(row)), rng.randrange(8)
    if kind < 3:
        row[key] = rng.choice(ODD_VALUES)
    elif kind == 3:
        row["i"] = rng.choice(
            [0, 1, 2, 3, 4, -1, 1.0, 2.5, "1", "x", True, None, 10**9]
        )
    elif kind == 4 and len(row) > 1:
        del row[key]
    elif kind == 5:
        row[rng.choice(["c99", "y", "ok", "i ", "", "rows", *row])] = row[key]
    elif kind == 6:
        rows.append(rng.choice([dict(row), list(row.values()), [row], 5, None, "x"]))
    else:
        rng.shuffle(rows)


def frame_rows(rng, rows):
    """Put rows into a frame, the asked-for one or another."""
    kind = rng.randrange(8)
    if kind < 5:
        return json.dumps({"rows": rows})
    if kind == 5:
        return json.dumps(rows, indent=rng.choice([None, 2]))
    if kind == 6:
        return "\n".join(json.dumps(row) for row in rows)
    return f"Sure [3] {{rows}}:\n```json\n{json.dumps({'rows': rows})}\n```\nDone."


def mutate_text(rng, text):
    """Change the text: cut, drop, double, splice, overwrite, turn round."""
    start, stop = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    return rng.choice(
        [
            text[:stop],
            text[:start] + text[stop:],
            text[:stop] + text[start:],
            text[:start] + rng.choice(ODD_TEXTS) + text[start:],
            text[:start] + chr(rng.randrange(0x250)) + text[start + 1 :],
            text[start:] + text[:start],
        ]
    )


def make_reply(rng, good):
    """Return a reply that went wrong in up to six ways."""
    rows = json.loads(good)
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        mutate_rows(rng, rows)
    text = frame_rows(rng, rows)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        text = mutate_text(rng, text)
    return text


def check_codes(column, codes):
    """Fail on codes that the column does not give back, or that it cannot hold."""
    with np.errstate(over="raise", invalid="raise"):
        values = column.decode(codes)
    again = column.encode(values)
    assert values.dtype == column.dtype or column.dtype == object
    np.testing.assert_allclose(again, codes, rtol=1e-6, atol=1e-9)
    assert column.missing > 0 or not np.isnan(codes).any()
    if column.levels:
        assert set(codes[~np.isnan(codes)]) <= set(range(len(column.levels)))
    else:
        inside = (codes >= column.low) & (codes <= column.high)
        np.testing.assert_allclose(column.grid.snap(codes)[inside], codes[inside])


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "is_quick", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_no_reply_breaks_the_reader_or_smuggles_a_value_in(mixed, part, is_quick):
    names, n_all = PARTS[part]
    n_replies, seed = (N_QUICK, 1) if is_quick else (n_all, 0)
    columns = [c for c in (*mixed.schema.columns, mixed.label) if c.name in names]
    keys = ["label" if c is mixed.label else mixed.key_of(c.name) for c in columns]
    schema = ReplySchema({key: mixed.formatter(key) for key in keys}, mixed.aliases())
    rows = [{"i": n, **mixed.format_row(n, keys)} for n in range(1, N_ROWS + 1)]
    rng, good, taken = random.Random(seed), json.dumps(rows), []

    for _ in range(n_replies):
        decoded = schema.parse(make_reply(rng, good), {1, 2, 3})
        taken += [[codes[key] for key in keys] for codes in decoded.codes.values()]
        assert not set(decoded.codes) - {1, 2, 3}
        assert all(
            isinstance(fault, str) and fault for fault in decoded.faults.values()
        )

    assert n_replies < len(taken) < N_ROWS * n_replies
    for column, codes in zip(columns, np.array(taken).T, strict=True):
        check_codes(column, codes)
