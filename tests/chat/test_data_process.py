"""Data generation processes: what a reply's text is read as, and which are refused."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.chat._context import PromptContext
from t2sampler.chat._data_process import (
    MAX_TASK,
    check_structure,
    find_structure,
    list_links,
    parse_process,
    process_schema,
    start_process,
)

LINKS = {"crew": ("ship",), "ship": (), "c3": ("crew", "ship"), "is_late": ("c3",)}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    crew = rng.integers(1, 40, 60)
    X = pd.DataFrame(
        {
            "crew": crew,
            "ship": np.where(crew > 20, "big", "small"),
            "Length (in metres, keel)!": crew * 2.5 + rng.normal(size=60).round(1),
        }
    )
    return X, pd.Series(rng.integers(0, 2, 60), name="is_late")


def open_context(X, y, **settings):
    schema = TableSchema.learn(X, y)
    return PromptContext(schema, frame=schema.read(X), target=y, **settings)


@pytest.fixture
def context(table):
    return open_context(*table, table_description="ships\nin a port")


@pytest.fixture
def old(context):
    return start_process(context, {"crew": ["ship"]})


def write(structure, task="Mind the keel."):
    return json.dumps({"task": task, "structure": structure})


FORMS = {
    "as asked": [{"parents": list(p), "column": c} for c, p in LINKS.items()],
    "by column": {c: list(p) for c, p in LINKS.items()},
    "as published": {c: {"parents": list(p)} for c, p in LINKS.items()},
    "other names": [
        {"column": "CREW", "parents": ["Ship"]},
        {"column": "Length (in metres, keel)!", "parents": ["c1", "c2", "c1"]},
        {"column": "y", "parents": ["c3"]},
    ],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "dress",
    [
        str,
        "Sure!\n```json\n{}\n```\nHope {{this}} helps".format,
        '[7, {{"a": 1}}, {}]'.format,
    ],
    ids=["plain", "fenced", "in a list"],
)
def test_forms_of_a_reply(context, old, form, dress):
    process, faults = parse_process(dress(write(form)), context, old)

    assert faults == []
    assert process.structure == LINKS
    assert process.task == "Mind the keel."
    assert (process.context, process.columns) == (old.context, old.columns)


@pytest.mark.parametrize(
    ("text", "structure", "task", "fault"),
    [
        (write([]), {}, "new", None),
        (write("none"), "old", "new", "structure"),
        (write([], task=" "), {}, "old", "task"),
        (write([], task=7), {}, "old", "task"),
        (
            write([{"column": "ship", "parents": ["crew", "sea", "is_late"]}]),
            {"ship": ("crew", "is_late")},
            "new",
            'unknown columns: "sea"',
        ),
        (
            write(
                [
                    {"column": "ship", "parents": ["crew"]},
                    {"column": "crew", "parents": ["c3", "ship"]},
                ]
            ),
            {"ship": ("crew",), "crew": ("c3",)},
            "new",
            "circle",
        ),
        (write([{"column": "ship", "parents": ["ship"]}]), {}, "new", "circle"),
        (write([7, {"column": "ship"}, {"parents": [3]}]), {}, "new", "unknown"),
    ],
)
def test_faults_are_named_and_the_rest_is_used(context, text, structure, task, fault):
    old = start_process(context, {"crew": ["ship"]})
    process, faults = parse_process(text, context, old)

    found = {key: parents for key, parents in process.structure.items() if parents}
    assert found == ({"crew": ("ship",)} if structure == "old" else structure)
    assert process.task == ("Mind the keel." if task == "new" else old.task)
    assert (fault or "") in "; ".join(faults)
    assert bool(faults) == bool(fault)
    assert set(process.structure) == {"crew", "ship", "c3", "is_late"}


@pytest.mark.parametrize(
    "text", ["", "no", "[]", "3", '{"a":1}', '{"structure":', "{" * 999]
)
def test_no_process(context, old, text):
    process, faults = parse_process(text, context, old)

    assert process is None
    assert len(faults) == 2


def test_a_task_is_one_line_and_short(context, old):
    process, _ = parse_process(write([], task="a\n\n" * MAX_TASK), context, old)

    assert len(process.task) <= MAX_TASK
    assert "\n" not in process.task


def test_a_structure_given_by_names(context):
    given = {"is_late": ["Length (in metres, keel)!", "crew"], "ship": []}

    assert check_structure(given, context) == {"is_late": ("c3", "crew"), "ship": ()}


def test_a_process_can_be_given_again(context, old):
    assert check_structure(old.structure, context) == old.structure


def test_process_as_text(old):
    text = str(old)

    assert "ships in a port" in text
    assert '"crew" <- "ship"' in text
    assert '"c3": ' in text
    assert list_links({"a": ()}) == "no column is known to depend on another"


def test_found_structure_does_not_depend_on_the_order_of_columns(table):
    X, y = table
    one = find_structure(open_context(X, y))
    shuffled = X.sample(frac=1, random_state=2)
    other = find_structure(open_context(shuffled, y[shuffled.index]))
    assert one == other
    X = X.rename(columns={"Length (in metres, keel)!": "keel"})
    found = [
        find_structure(open_context(X[list(names)], y))
        for names in [("keel", "ship", "crew"), ("crew", "keel", "ship")]
    ]
    assert found[0] == found[1]
    assert any(found[0].values())


def test_schema_lists_the_keys(context):
    link = process_schema(context)["properties"]["structure"]["items"]

    assert link["properties"]["column"]["enum"] == ["crew", "ship", "c3", "is_late"]
