"""The doubles behave: else what is proved with them is worth nothing."""

import json
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from doubles.competent_model import make_plan
from doubles.fake_openai import MODEL, FakeOpenAI, Fault
from doubles.faults import TEXT
from doubles.simulated_tables import DRAW, make_pool

ROWS = [{"i": i, "y": "LR"} for i in range(1, 7)]
COLUMNS = list(make_pool("diabetes").axes)


def schema_of(keys):
    """Return a strict schema for rows of numbers."""
    kinds = {"i": {"type": "integer"}} | {key: {"type": "number"} for key in keys}
    row = {"type": "object", "properties": kinds, "required": list(kinds)}
    rows = {"type": "array", "items": {**row, "additionalProperties": False}}
    whole = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    return {**whole, "additionalProperties": False}


def ask(server, keys, rows=ROWS, timeout=60.0, **settings):
    """Ask for columns beside rows, once; return the choice."""
    lines = "\n".join(map(json.dumps, rows))
    text = f"Write.\nRows:\n{lines}"
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
    """Return rows by number, their values by key as the table has them."""
    rows = json.loads(choice.message.content)["rows"]
    return {row["i"]: row for row in rows}


def put_right(row, pool):
    """Return a row's values by column, whatever it called them and however spelled."""
    words = {f"c{j}": name for j, name in enumerate(pool.axes, start=1)}
    words |= {name.upper(): name for name in pool.axes}
    return {words.get(word, word): str(row[word]) for word in row if word != "i"}


@pytest.mark.parametrize("table", DRAW)
def test_rows_are_true_rows_of_the_wanted_label(table):
    pool = make_pool(table)
    label = pool.labels[0]
    keys = list(pool.axes)[::-1]

    with FakeOpenAI(table=table) as server:
        asked = [{"i": i, "y": label} for i in (2, 1, 3)]
        found = rows_of(ask(server, keys, asked))

    true = [{k: str(v) for k, v in row.items()} for row in pool.rows]
    spelled = {"yes": "True", "no": "False"}
    for row in found.values():
        whole = {k: spelled.get(v, v) for k, v in put_right(row, pool).items()}
        assert whole in true
        assert pool.labels[true.index(whole)] == label


def test_a_reply_is_in_no_order_and_in_many_words():
    with FakeOpenAI() as server:
        texts = [ask(server, COLUMNS, seed=k).message.content for k in range(5)]

    rows = [row for text in texts for row in json.loads(text)["rows"]]
    assert [row["i"] for row in rows] != 5 * [1, 2, 3, 4, 5, 6]
    assert len({tuple(row) for row in rows}) > 20
    assert {"c1", "HbA1c", "HBA1C"} <= {word for row in rows for word in row}


def test_a_label_is_as_likely_as_it_is_true():
    pool = make_pool("diabetes")
    rows = [{"i": i, **pool.rows[i]} for i in (5, 2, 9)]

    with FakeOpenAI() as server:
        found = rows_of(ask(server, ["HR", "LR", "MR"], rows))

    for i in (5, 2, 9):
        assert found[i][pool.labels[i]] in (1, "1.0")
        assert sum(float(found[i][key]) for key in ("LR", "MR", "HR")) == 1


def test_same_question_same_answer():
    with FakeOpenAI() as server, FakeOpenAI() as other:
        assert rows_of(ask(server, COLUMNS[:1])) == rows_of(ask(other, COLUMNS[:1]))
        assert rows_of(ask(server, COLUMNS[:1])) != rows_of(
            ask(server, COLUMNS[:1], seed=2)
        )


def test_manager_partitions_the_columns():
    keys = [f"c{j}" for j in range(1, 9)]

    parts = make_plan(keys)["components"]

    assert [key for part in parts for key in part["columns"]] == keys
    assert [len(part["reads"]) for part in parts] == [0, 1, 2]


@pytest.mark.parametrize("kind", TEXT)
def test_spoiled_text_is_not_what_a_competent_team_says(kind):
    with FakeOpenAI() as well, FakeOpenAI(faults=(Fault(kind),)) as ill:
        right, wrong = ask(well, COLUMNS[:2]), ask(ill, COLUMNS[:2])

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
        ask(server, COLUMNS[:1], timeout=0.3 if kind == "pause" else 60)

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
        ask(server, COLUMNS[:1], **asked)


def test_calls_overlap_in_a_process_of_its_own(wait_until):
    with FakeOpenAI(hold_after=0).in_process() as server, ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, server, COLUMNS[:1], seed=seed) for seed in range(8)]
        wait_until(lambda: server.peak == 8)
        server.release()

        assert [call.result().finish_reason for call in calls] == ["stop"] * 8
        assert [entry["answered"] for entry in server.log()] == [True] * 8


def test_held_calls_wait_for_their_release(wait_until):
    with FakeOpenAI(hold_after=1) as server, ThreadPoolExecutor(2) as threads:
        ask(server, COLUMNS[:1])
        held = threads.submit(ask, server, COLUMNS[1:2])
        wait_until(lambda: len(server.log()) == 2)

        assert not held.done()
        server.release()
        assert held.result()
