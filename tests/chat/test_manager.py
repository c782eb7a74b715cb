"""The manager is asked once, and once more where its plan has faults."""

import json

import pandas as pd
import pytest

from t2sampler.chat._manager import NO_PLAN, ask_plan, request_plan
from t2sampler.constraints import Between
from t2sampler.exceptions import BudgetError, ChatError, ContextOverflowError

NOTES = [f"a note on {k} things" for k in range(30)]
KEYS = [f"c{j}" for j in range(1, 14)]  # places, which stand for names


def answer(*components, rules=(), rest=True):
    """Return a manager's answer; the columns left go to a last component."""
    parts = [
        {"name": name, "role": f"writes {name}", "columns": keys, "reads": reads}
        for name, keys, reads in components
    ]
    claimed = {key for part in parts for key in part["columns"]}
    left = [key for key in KEYS if key not in claimed]
    if rest and left:
        parts.append({"name": "others", "role": "", "columns": left, "reads": []})
    return json.dumps({"components": parts, "rules": list(rules)})


GOOD = answer(("a", ["c1", "c2"], []), ("b", ["c3"], ["a"]))


def test_a_good_answer_is_the_plan(mixed, chat, script):
    model = script(GOOD)

    plan, notes = ask_plan(mixed, chat, model)

    assert [part.name for part in plan.components] == ["a", "b", "others"]
    assert plan.components[0].columns == ("int64", "Int64")
    assert plan.components[1].reads == ("a",)
    assert plan.components[1].role == "writes b"
    assert list(notes) == []
    assert len(model.requests) == 1
    assert model.requests[0].role == "manager"


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        ("", "the answer holds no list"),
        ("I would rather not.", "the answer holds no list"),
        (
            answer(("a", ["c1"], []), ("b", ["c1", "c2"], [])),
            "more than one component: int64",
        ),
        (answer(("a", ["c1"], ["b"]), ("b", ["c2"], ["a"])), "wait for each other"),
        (answer(("a", ["c1", "c99"], [])), "does not have: 'c99'"),
        (answer(("a", ["c1"], []), rest=False), "without a component: Int64, float64"),
    ],
)
def test_a_faulty_answer_is_sent_back_once_with_the_fault(
    mixed, chat, script, first, fault
):
    model = script(first, GOOD)

    plan, notes = ask_plan(mixed, chat, model)

    assert len(plan.components) == 3
    assert list(notes) == []
    assert len(model.requests) == 2
    again = model.requests[1]
    assert again.messages[:2] == model.requests[0].messages
    assert [role for role, _ in again.messages[2:]] == ["assistant", "user"]
    assert fault in again.messages[3][1]
    assert again.attempt == 1


def test_faults_that_remain_are_repaired_and_noted(mixed, chat, script):
    faulty = answer(("a", ["c1", "c2"], []), ("b", ["c2", "c3"], ["a", "z"]))
    model = script("no", faulty)

    plan, notes = ask_plan(mixed, chat, model)

    assert plan.components[1].columns == ("float64",)
    assert len(notes) == 2
    assert notes[0].startswith("Plan: columns in more than one component: 'Int64'")
    assert (plan, notes) == ask_plan(mixed, chat, script("no", faulty))


def test_of_two_faulty_answers_the_one_with_columns_is_used(mixed, chat, script):
    faulty = answer(("a", ["c1", "c99"], []))

    plan, _ = ask_plan(mixed, chat, script(faulty, "no"))

    assert plan.components[0].columns == ("int64",)


def test_without_a_plan_it_is_made_from_the_data(mixed, chat, script):
    plan, notes = ask_plan(mixed, chat, script("no"))

    plan.check(mixed.schema.names)
    assert notes == [NO_PLAN]


@pytest.mark.parametrize(
    "text",
    [
        f"Here you are:\n```json\n{GOOD}\n```",
        json.dumps(json.loads(GOOD)["components"]),
        GOOD.replace('"c2"', '"Int64"').replace('"c1"', '"int64"'),
        GOOD[: GOOD.index('"rules"')],
    ],
    ids=["prose", "bare list", "names", "cut off"],
)
def test_plans_in_other_json_structures_are_read(mixed, chat, script, text):
    model = script(text)

    plan, notes = ask_plan(mixed, chat, model)

    assert len(plan.components) == 3
    assert list(notes) == []
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "error", [BudgetError("No."), ChatError("500."), ContextOverflowError("No.")]
)
def test_a_second_question_that_fails_leaves_the_first_answer(
    mixed, chat, script, error
):
    plan, notes = ask_plan(mixed, chat, script(answer(("a", ["c1", "c99"], [])), error))

    assert plan.components[0].columns == ("int64",)
    assert len(notes) == 1


def test_a_first_question_that_fails_is_an_error(mixed, chat, script):
    with pytest.raises(ChatError, match="500"):
        ask_plan(mixed, chat, script(ChatError("500.")))
    with pytest.raises(ChatError, match="key"):
        ask_plan(mixed, chat, script("no", ChatError("No key.", is_fatal=True)))


def test_a_question_too_long_is_asked_without_rows(mixed, chat, script):
    def short(request):
        if "real rows:" in request.messages[0][1]:
            raise ContextOverflowError("It does not fit.")
        return GOOD

    model = script(short)
    plan, _ = ask_plan(mixed, chat, model)

    assert len(plan.components) == 3
    assert len(model.requests) == 2
    with pytest.raises(ContextOverflowError):
        ask_plan(mixed, chat, script(ContextOverflowError("It does not fit.")))


def test_columns_that_are_never_shown_get_a_component(make_context, chat, script):
    X = pd.DataFrame(
        {
            "name": [f"a note on {k} things" for k in range(30)],
            "x": [k % 7 for k in range(30)],
        }
    )
    context = make_context(X, pd.Series([0, 1] * 15))
    parts = [{"name": "left missing", "role": "", "columns": ["c2"], "reads": []}]

    model = script(json.dumps({"components": parts, "rules": []}))
    plan, _ = ask_plan(context, chat, model)

    assert [part.name for part in plan.components] == ["left missing", "left missing'"]
    assert plan.components[1].columns == ("name",)
    assert "things" not in model.requests[0].messages[1][1]


def test_nothing_is_asked_without_columns_to_write(make_context, chat, script):
    X = pd.DataFrame({"name": NOTES})
    model = script(AssertionError("asked"))

    plan, notes = ask_plan(make_context(X, pd.Series([0, 1] * 15)), chat, model)

    assert plan.columns == ["name"]
    assert list(notes) == []
    assert not model.requests


def test_many_columns_are_not_listed_in_the_schema(make_context, chat):
    X = pd.DataFrame({f"v{j}": [j, 1, 2] for j in range(150)})
    request = request_plan(make_context(X, pd.Series([0, 1, 0])), chat)

    assert "enum" not in json.dumps(request.schema["properties"]["components"])
    assert "v149" in request.messages[1][1]


def test_rules_that_real_rows_break_are_noted_and_not_enforced(mixed, chat, script):
    rules = [
        {"rule": "Between", "column": key, "low": 0, "high": None}
        for key in ("c1", "c3", "c1")
    ]

    plan, notes = ask_plan(mixed, chat, script(answer(("a", ["c1"], []), rules=rules)))

    n_broken = int((mixed.rows.frame["float64"] < 0).sum())
    assert plan.rules == (Between("int64", 0),)
    assert notes == [
        "Proposed rule not enforced: float64 is at least 0: "
        f"{n_broken} of 60 real rows break it."
    ]
