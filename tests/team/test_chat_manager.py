"""The manager is asked once, at most once more; what it proposes is tried first."""

import json

import pandas as pd
import pytest

from t2sampler.chat._manager import NO_PLAN, ask_plan, plan_question
from t2sampler.chat._rules import MAX_RULES, take_rules
from t2sampler.constraints import AnyOf, Between, Implies, Linear, OneOf
from t2sampler.exceptions import BudgetError, ChatError, ContextOverflowError

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
    ("first", "told"),
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
    mixed, chat, script, first, told
):
    model = script(first, GOOD)

    plan, notes = ask_plan(mixed, chat, model)

    assert len(plan.components) == 3
    assert list(notes) == []
    assert len(model.requests) == 2
    again = model.requests[1]
    assert again.messages[:2] == model.requests[0].messages
    assert [role for role, _ in again.messages[2:]] == ["assistant", "user"]
    assert told in again.messages[3][1]
    assert again.attempt == 1


def test_what_is_still_wrong_is_mended_and_noted(mixed, chat, script):
    faulty = answer(("a", ["c1", "c2"], []), ("b", ["c2", "c3"], ["a", "z"]))
    model = script("no", faulty)

    plan, notes = ask_plan(mixed, chat, model)

    assert plan.components[1].columns == ("float64",)
    assert len(notes) == 2
    assert notes[0].startswith("Plan: columns in more than one component: 'Int64'")
    assert (plan, notes) == ask_plan(mixed, chat, script("no", faulty))


def test_of_two_faulty_answers_the_one_with_columns_counts(mixed, chat, script):
    faulty = answer(("a", ["c1", "c99"], []))

    plan, _ = ask_plan(mixed, chat, script(faulty, "no"))

    assert plan.components[0].columns == ("int64",)


def test_without_any_plan_the_data_give_one(mixed, chat, script):
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
def test_other_frames_are_read(mixed, chat, script, text):
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


def test_a_first_question_that_fails_goes_up(mixed, chat, script):
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


def test_columns_that_are_never_shown_get_a_component(make_briefing, chat, script):
    X = pd.DataFrame(
        {"name": [f"n{k}" for k in range(30)], "x": [k % 7 for k in range(30)]}
    )
    briefing = make_briefing(X, pd.Series([0, 1] * 15))
    parts = [{"name": "left missing", "role": "", "columns": ["c2"], "reads": []}]

    model = script(json.dumps({"components": parts, "rules": []}))
    plan, _ = ask_plan(briefing, chat, model)

    assert [part.name for part in plan.components] == ["left missing", "left missing'"]
    assert plan.components[1].columns == ("name",)
    assert "n1" not in model.requests[0].messages[1][1]


def test_nothing_to_write_nothing_asked(make_briefing, chat, script):
    X = pd.DataFrame({"name": [f"n{k}" for k in range(30)]})
    model = script(AssertionError("asked"))

    plan, notes = ask_plan(make_briefing(X, pd.Series([0, 1] * 15)), chat, model)

    assert plan.columns == ["name"]
    assert list(notes) == []
    assert not model.requests


def test_many_columns_are_not_listed_in_the_schema(make_briefing, chat):
    X = pd.DataFrame({f"v{j}": [j, 1, 2] for j in range(150)})
    request = plan_question(make_briefing(X, pd.Series([0, 1, 0])), chat)

    assert "enum" not in json.dumps(request.schema["properties"]["components"])
    assert "v149" in request.messages[1][1]


def propose(*rules):
    return {"rules": list(rules)}


def between(column, low, high=None):
    return {"rule": "Between", "column": column, "low": low, "high": high}


@pytest.mark.parametrize(
    ("proposed", "rule"),
    [
        (between("c1", 0), Between("int64", 0)),
        (between("int64", 0), Between("int64", 0)),
        (between("c11", "2020-01-01"), Between("datetime", pd.Timestamp("2020-01-01"))),
        (between("c13", "PT0S"), Between("timedelta", pd.Timedelta(0))),
        (
            {"rule": "OneOf", "column": "c7", "values": ["a", "B", "c"]},
            OneOf("category", ["a", "b", "c"]),
        ),
        (
            {"rule": "OneOf", "column": "c5", "values": [True, False]},
            OneOf("bool", [True, False]),
        ),
        (
            {"rule": "Linear", "weights": [["c1", 1], [["c7", "a"], 2]], "bias": 1},
            Linear({"int64": 1, ("category", "a"): 2}, bias=1),
        ),
        (
            {
                "rule": "Implies",
                "if_": {"rule": "OneOf", "column": "c9", "values": ["red"]},
                "then": {
                    "rule": "AnyOf",
                    "rules": [between("c1", 0), between("c3", 9)],
                },
            },
            Implies(
                OneOf("str", ["red"]), AnyOf(Between("int64", 0), Between("float64", 9))
            ),
        ),
        (json.dumps(between("c1", 0)), Between("int64", 0)),
        (between("c1", "0"), Between("int64", 0)),
        (
            {"rule": "OneOf", "column": "c1", "values": list(range(100))},
            OneOf("int64", range(100)),
        ),
    ],
)
def test_proposed_rules_name_columns_by_key(mixed, proposed, rule):
    assert take_rules(propose(proposed), mixed) == ([rule], [])


def test_rules_that_real_rows_break_are_noted_and_not_enforced(mixed, chat, script):
    rules = [between("c1", 0), between("c3", 0), between("c1", 0)]

    plan, notes = ask_plan(mixed, chat, script(answer(("a", ["c1"], []), rules=rules)))

    n_broken = int((mixed.frame["float64"] < 0).sum())
    assert plan.rules == (Between("int64", 0),)
    assert notes == [
        "Proposed rule not enforced: float64 is at least 0: "
        f"{n_broken} of 60 real rows break it."
    ]


@pytest.mark.parametrize(
    "proposed",
    [
        *(None, 5, "text", [], {}, {"rule": "Eval", "code": "1"}, {"rule": "Between"}),
        *(
            between("c99", 0),
            between("y", 0),
            between("c1", None),
            between("c1", "low"),
        ),
        *(
            between("c7", 0),
            between("c1", [1]),
            between(["c1"], 0),
            between("c1", 9, 0),
        ),
        {"rule": "OneOf", "column": "c7", "values": ["purple"]},
        {"rule": "OneOf", "column": "c7", "values": [None]},
        {"rule": "Linear", "weights": [["c1", "one"]]},
        {"rule": "Linear", "weights": []},
        {"rule": "Linear", "weights": [["c1", 1e308], ["c2", 1e999]]},
        {"rule": "NotMissing", "column": "c1"},
        {"rule": "AllOf", "rules": []},
        {"rule": "Implies", "if_": 5, "then": between("c1", 0)},
        {"rule": "Lookup", "column": "c1", "by": "c2", "table": [[1, 2]]},
        json.loads('{"rule":"AllOf","rules":[' * 300 + "]}" * 300),
    ],
    ids=lambda proposed: str(proposed)[:40],
)
def test_rules_nobody_can_read_are_noted(mixed, proposed):
    rules, notes = take_rules(propose(proposed, between("c1", 0)), mixed)

    assert rules == [Between("int64", 0)]
    (note,) = notes
    assert note.startswith("Proposed rule not used: ")
    assert len(note) < 500
    assert len(note.splitlines()) == 1


def test_a_rule_nested_beyond_reason_is_noted(mixed):
    rule = between("c1", 0)
    for _ in range(5000):
        rule = {"rule": "AllOf", "rules": [rule]}

    rules, notes = take_rules(propose(rule), mixed)

    assert rules == []
    assert len(notes) == 1


@pytest.mark.parametrize("content", [None, [], {"rules": 5}, {}])
def test_no_rules(mixed, content):
    assert take_rules(content, mixed) == ([], [])


def test_only_so_many_rules_are_read(mixed):
    rules, notes = take_rules(propose(*[between("c1", -k) for k in range(99)]), mixed)

    assert len(rules) == MAX_RULES
    assert len(notes) == 1


def test_column_names_that_are_tuples(make_briefing):
    X = pd.DataFrame([[1, 2], [3, 4], [5, 9]])
    X.columns = pd.Index([("a", 1), "b"], dtype=object, tupleize_cols=False)
    briefing = make_briefing(X, pd.Series([0, 1, 0]))
    order = {
        "rule": "Linear",
        "weights": [["c2", 1], ["c1", -1]],
        "bias": 0,
        "equals": False,
    }

    rules, notes = take_rules(propose(order), briefing)

    assert rules[0].columns == ("b", ("a", 1))
    assert notes == []
