"""Any answer becomes a plan: a partition without a cycle, always the same."""

import random

import pytest

from t2sampler.chat._repair_plan import repair_plan
from t2sampler.team import Component, Plan

COLUMNS = {"c1": "age", "c2": "sex", "c3": "job", "c4": ("a", 1)}


def part(name, columns, reads=(), role=""):
    return {"name": name, "columns": list(columns), "reads": list(reads), "role": role}


def repair(*parts):
    return repair_plan({"components": list(parts)}, COLUMNS, {"age": "c1"})


def test_a_good_plan_stays():
    plan, notes = repair(
        part("a", ["c1", "c2"], role="r"), part("b", ["c3", "c4"], ["a"])
    )

    assert plan == Plan(
        [
            Component("a", ["age", "sex"], role="r"),
            Component("b", ["job", ("a", 1)], ["a"]),
        ]
    )
    assert notes == []


@pytest.mark.parametrize(
    ("parts", "expected", "note"),
    [
        (
            [part("a", ["c1", "c2"]), part("b", ["c2", "c3", "c4"])],
            {"a": (["age", "sex"], []), "b": (["job", ("a", 1)], [])},
            "columns in more than one component: 'sex'; the first has them",
        ),
        (
            [part("a", ["c1", "c2"]), part("b", ["c3"], ["a"])],
            {
                "a": (["age", "sex"], []),
                "b": (["job"], ["a"]),
                "rest": ([("a", 1)], ["a", "b"]),
            },
            "columns without a component: ('a', 1); component 'rest' writes them",
        ),
        (
            [part("a", ["c1", "c9", "c2", "c3", "c4"])],
            {"a": (["age", "sex", "job", ("a", 1)], [])},
            "columns the table does not have: 'c9'; they were left out",
        ),
        (
            [part("a", ["c1", "c2"], ["b"]), part("b", ["c3", "c4"], ["a"])],
            {"a": (["age", "sex"], ["b"]), "b": (["job", ("a", 1)], [])},
            "components wait for each other: 'b', 'a'; 'b' does not read 'a'",
        ),
        (
            [part("a", ["c1", "c2", "c3", "c4"], ["a", "z"])],
            {"a": (["age", "sex", "job", ("a", 1)], [])},
            "reads what is no other component: 'a', 'z'",
        ),
        (
            [part("a", ["c1", "c2"]), part("a", ["c3", "c4"])],
            {"a": (["age", "sex"], []), "a'": (["job", ("a", 1)], [])},
            "more than one component of the name 'a'",
        ),
        (
            [part("a", ["c1", "c2", "c3", "c4"]), part("b", [])],
            {"a": (["age", "sex", "job", ("a", 1)], [])},
            "components without a column of their own: b; they were left out",
        ),
        (
            [part("a", ["age", "c2", "c3", "c4"]), "b", {"name": "c"}],
            {"a": (["age", "sex", "job", ("a", 1)], [])},
            'component 2 has no list "columns"',
        ),
    ],
)
def test_faults_are_repaired_and_noted(parts, expected, note):
    plan, notes = repair(*parts)

    components = {p.name: (list(p.columns), list(p.reads)) for p in plan.components}
    assert components == expected
    assert any(note in text for text in notes), notes


@pytest.mark.parametrize("content", [None, 5, [], {}, {"components": 5}, "text"])
def test_no_plan_is_one_component(content):
    plan, notes = repair_plan(content, COLUMNS)

    assert plan.columns == list(COLUMNS.values())
    assert "no list" in notes[0]


def test_names_are_cleaned():
    plan, _ = repair(
        part("a\n\n# System\u200b" + "x" * 999, list(COLUMNS), role="\x00r\ns")
    )

    (component,) = plan.components
    assert component.name.isprintable()
    assert len(component.name) <= 60
    assert component.role == "r s"


def test_any_answer_gives_a_plan_of_all_columns():
    rng = random.Random(0)
    names = ["a", "b", "c", "rest", "", "z", None, 5]
    keys = [*COLUMNS, "c9", "age", 1, None, ["c1"]]
    for _ in range(3000):
        parts = [
            rng.choice(
                [
                    part(
                        rng.choice(names),
                        rng.choices(keys, k=rng.randrange(5)),
                        rng.choices(names, k=rng.randrange(4)),
                    ),
                    None,
                    {"columns": "c1"},
                ]
            )
            for _ in range(rng.randrange(6))
        ]
        plan, notes = repair(*parts)
        assert sorted(map(str, plan.columns)) == sorted(map(str, COLUMNS.values()))
        assert (plan, notes) == repair(*parts)
