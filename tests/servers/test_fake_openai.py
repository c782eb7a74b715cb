"""The doubles behave: else what is proved with them is worth nothing."""

import json
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from competent_team import make_plan, read_rows
from fake_openai import MODEL, FakeOpenAI, Fault
from faults import TEXT
from simulated_tables import DRAW, make_pool

ROWS = [[i, "LR"] for i in range(1, 7)]


def schema_of(keys):
    """Return a strict schema for rows of numbers."""
    kinds = {"i": {"type": "integer"}} | {key: {"type": "number"} for key in keys}
    row = {"type": "object", "properties": kinds, "required": list(kinds)}
    rows = {"type": "array", "items": {**row, "additionalProperties": False}}
    whole = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    return {**whole, "additionalProperties": False}


def ask(server, keys, rows=ROWS, header=("i", "y"), timeout=5.0, **settings):
    """Ask for columns beside rows, once; return the choice."""
    lines = "\n".join(map(json.dumps, rows))
    text = f"Write.\nRows: {json.dumps(header)}\n{lines}"
    form = {"name": "rows", "schema": schema_of(keys), "strict": True}
    settings = {"model": MODEL, "seed": 1} | settings
    with openai.OpenAI(
        base_url=server.url, api_key="k", max_retries=0, timeout=timeout
    ) as client:
        return client.chat.completions.create(
            messages=[{"role": "user", "content": text}],
            response_format={"type": "json_schema", "json_schema": form},
            **settings,
        ).choices[0]


def rows_of(choice):
    return json.loads(choice.message.content)["rows"]


@pytest.mark.parametrize("table", DRAW)
def test_rows_are_true_rows_of_the_wanted_label(table):
    pool = make_pool(table)
    label = pool.labels[0]
    keys = list(pool.axes)

    with FakeOpenAI(table=table) as server:
        first = rows_of(ask(server, keys[:3], [[1, label], [2, label]]))
        given = [[*row.values(), label] for row in first]
        header = ("i", *keys[:3], "y")
        rest = rows_of(ask(server, keys[3:], given, header))

    for start, end in zip(first, rest, strict=True):
        whole = {key: value for key, value in {**start, **end}.items() if key != "i"}
        assert whole in pool.rows
        assert pool.labels[pool.rows.index(whole)] == label


def test_a_label_is_vetoed_where_it_is_not_true():
    pool = make_pool("diabetes")
    row = list(pool.rows[0].values())
    other = next(label for label in pool.labels if label != pool.labels[0])
    rows = [[1, *row, pool.labels[0]], [2, *row, other]]

    with FakeOpenAI() as server:
        found = rows_of(ask(server, ["ok"], rows, ("i", *pool.axes, "y")))

    assert [row["ok"] for row in found] == [True, False]


def test_same_question_same_answer():
    with FakeOpenAI() as server, FakeOpenAI() as other:
        assert rows_of(ask(server, ["c1"])) == rows_of(ask(other, ["c1"]))
        assert rows_of(ask(server, ["c1"])) != rows_of(ask(server, ["c1"], seed=2))


def test_manager_partitions_the_columns():
    keys = [f"c{j}" for j in range(1, 9)]

    parts = make_plan(keys)["components"]

    assert [key for part in parts for key in part["columns"]] == keys
    assert [len(part["reads"]) for part in parts] == [0, 1, 2]


def test_rows_are_read_after_the_last_header():
    text = 'Rows: ["i"]\n[7]\nNow these.\nRows: ["i","c1","hint"]\n[1,2.5,{}]\n'

    assert read_rows(text) == ({"i": 1, "c1": 2.5, "hint": {}},)


@pytest.mark.parametrize("kind", TEXT)
def test_spoiled_text_is_not_what_a_competent_team_says(kind):
    with FakeOpenAI() as well, FakeOpenAI(faults=(Fault(kind),)) as ill:
        right, wrong = ask(well, ["c1", "c2"]), ask(ill, ["c1", "c2"])

    assert wrong.message.content != right.message.content
    assert ill.log()[0]["fault"] == kind


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("reset", openai.APIConnectionError),
        ("pause", openai.APITimeoutError),
    ],
)
def test_faults_of_the_line_reach_the_client(kind, error):
    with (
        FakeOpenAI(faults=(Fault(kind, seconds=3),)) as server,
        pytest.raises(error) as caught,
    ):
        ask(server, ["c1"], timeout=0.3)

    if kind == "429":
        assert caught.value.response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("settings", "asked", "says"),
    [
        ({"formats": ("json_object",)}, {}, "json_schema"),
        ({"knows": ()}, {}, "'seed'"),
        ({"most_rows": 5}, {}, "maximum context length"),
        ({}, {"model": "other"}, "`other` does not exist"),
        ({"key": "sesame"}, {}, "Incorrect API key"),
    ],
)
def test_refusals_name_what_is_refused(settings, asked, says):
    with (
        FakeOpenAI(**settings) as server,
        pytest.raises(openai.APIStatusError, match=says),
    ):
        ask(server, ["c1"], **asked)


def test_calls_overlap_in_a_process_of_its_own():
    with FakeOpenAI(latency=0.3).in_process() as server:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda seed: ask(server, ["c1"], seed=seed), range(8)))

        assert 2 <= server.peak <= 8
        assert [entry["answered"] for entry in server.log()] == [True] * 8


def test_held_calls_wait_for_their_release():
    with FakeOpenAI(hold_after=1) as server, ThreadPoolExecutor(2) as threads:
        ask(server, ["c1"])
        held = threads.submit(ask, server, ["c2"])
        while len(server.log()) < 2:
            pass

        assert not held.done()
        server.release()
        assert held.result()
