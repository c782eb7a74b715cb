"""H-TDBU with a language model: one call, whose rules count besides the given ones."""

import json

import pandas as pd
import pytest
from doubles.bank_clients import MOODS, ORDER, clients, count_broken, draw

from t2sampler import TeamThenTrimSampler
from t2sampler.constraints import Implies, Linear, OneOf
from t2sampler.exceptions import GeneratorError, ReplayError
from t2sampler.generators import HTDBU
from t2sampler.llm import Budget
from t2sampler.testing import ScriptedChat, make_requests

ASKED = []


@pytest.fixture(autouse=True)
def forget():
    ASKED.clear()


def write_rules(request):
    ASKED.append(request)
    return json.dumps({"rules": [WRITTEN, ORDER_BY_KEY, OFTEN_BROKEN, UNKNOWN]})


def one_of(column, *values):
    return {"rule": "OneOf", "column": column, "values": values}


WRITTEN = {
    "rule": "Implies",
    "if_": one_of("signs", "yes"),
    "then": one_of("mood", "glad", "neutral"),
}
ORDER_BY_KEY = {
    "rule": "Linear",
    "weights": [["c4", 1], ["c1", -1]],
    "bias": 0,
    "equals": False,
}
OFTEN_BROKEN = {"rule": "Between", "column": "age", "low": 45, "high": None}
UNKNOWN = one_of("weather", "fine")


def ask(script=write_rules, rules=None, **settings):
    settings = {"store": False, "max_rounds": 0, **settings}
    return HTDBU(rules, chat=ScriptedChat(script), **settings)


def test_model_writes_rules_once_for_any_number_of_rows():
    X, y = clients()
    htdbu = ask().fit(X, y)

    new, labels, _ = draw(htdbu, 400)

    assert len(ASKED) == 1
    assert htdbu.rules_ == (
        MOODS[0].__class__(
            OneOf("signs", ("yes",)), OneOf("mood", ("glad", "neutral"))
        ),
        ORDER,
    )
    assert count_broken(htdbu.rules_, new, labels) == 0
    assert htdbu.usage_.loc["rules", "calls"] == 1
    notes = "\n".join(htdbu.notes_)
    assert "Proposed rule not enforced: age is at least 45" in notes
    assert "weather" in notes
    assert htdbu.plan_.rules == (ORDER,)  # a filter does not see the label


def test_question_names_columns_levels_and_label_and_shows_no_row():
    X, y = clients()
    ask(context="Clients of a bank.").fit(X, y)

    ((_, question),) = ASKED[0].messages
    assert all(f'"{name}"' in question for name in [*X, "signs"])
    assert "Clients of a bank." in question
    assert " real rows:\n" not in question
    assert "yes" in question
    assert "glad" in question
    assert ASKED[0].role == "rules"


def test_rows_are_shown_where_the_user_says_so_and_private_values_never():
    X, y = clients()
    X["mail"] = [f"client{i}@example.org" for i in range(len(X))]
    X["note"] = [
        f"Client number {i} came by, asked a lot and left." for i in range(len(X))
    ]
    ask(examples=2, column_kinds={"note": "text"}).fit(X, y)

    ((_, question),) = ASKED[0].messages
    assert "2 of the 240 real rows:\n" in question
    assert "@example" not in question
    assert "came by" not in question


REPLIES = {
    "fenced": "```json\n{}\n```",
    "chatty": "Here are the rules: {} I hope they help.",
    "list": "{}",
    "cut off": "{}",
}


@pytest.mark.parametrize("form", REPLIES)
def test_reply_is_read_whatever_is_around_it(form):
    def script(request):
        text = json.dumps({"rules": [WRITTEN, ORDER_BY_KEY]})
        text = json.dumps([WRITTEN, ORDER_BY_KEY]) if form == "list" else text
        text = text[:-40] if form == "cut off" else text
        return REPLIES[form].replace("{}", text)

    rules = ask(script).fit(*clients()).rules_

    assert [type(rule) for rule in rules] == [Implies, Linear][
        : 1 if form == "cut off" else 2
    ]


@pytest.mark.parametrize(
    "text", ["", "I cannot.", '{"rules": 5}', '{"rules": [3, null]}']
)
def test_reply_without_rules_is_noted(text):
    htdbu = ask(lambda request: text, rules=[ORDER]).fit(*clients())

    assert htdbu.rules_ == (ORDER,)
    assert any("rules" in note or "rule" in note for note in htdbu.notes_)
    assert len(draw(htdbu)[0]) == 180


def test_written_rule_that_is_a_little_wrong_is_relaxed_by_the_loop():
    X, y = clients(600)
    X.loc[y.index[y == "yes"][::4], "mood"] = "sad"  # 7 % of all rows

    htdbu = ask(lambda r: json.dumps({"rules": [WRITTEN]}), max_rounds=3).fit(X, y)

    (rule,) = htdbu.rules_
    assert set(rule.then.values) == {"glad", "neutral", "sad"}
    assert any("it was relaxed" in note for note in htdbu.notes_)


def test_stored_reply_costs_nothing_and_replay_needs_it(tmp_path):
    X, y = clients()
    store = tmp_path / "replies.sqlite"
    first = ask(store=store).fit(X, y)
    again = ask(store=store, mode="replay").fit(X, y)

    assert len(ASKED) == 1
    assert again.rules_ == first.rules_
    assert again.usage_.loc["rules", ["calls", "stored"]].tolist() == [0, 1]
    pd.testing.assert_frame_equal(draw(first)[0], draw(again)[0])
    with pytest.raises(ReplayError):
        ask(store=tmp_path / "empty.sqlite", mode="replay").fit(X, y)


def test_spent_budget_ends_the_run_with_the_reason():
    htdbu = ask(budget=Budget(max_calls=0)).fit(*clients())

    assert list(htdbu.draw(make_requests(2, 5))) == []
    assert "max_calls" in htdbu.stop_reason_ or "budget" in htdbu.stop_reason_.lower()
    assert not ASKED


def test_estimate_is_the_one_call(tmp_path):
    X, y = clients()
    store = tmp_path / "replies.sqlite"
    sampler = TeamThenTrimSampler(ask(store=store), random_state=0)

    before = sampler.estimate(X, y)
    assert not ASKED
    sampler.fit_resample(X, y)
    after = sampler.estimate(X, y)

    spent = sampler.report_.usage.loc["rules"]
    assert before.calls == (1, 1)
    assert before.input_tokens[0] == pytest.approx(spent["input_tokens"], rel=0.2)
    assert before.output_tokens[0] == pytest.approx(spent["output_tokens"], rel=0.3)
    assert after.calls == (0, 0)
    assert after.n_stored == 1
    assert TeamThenTrimSampler(HTDBU()).estimate(X, y).calls == (0, 0)


def test_new_class_is_refused_by_name_before_any_token():
    X, y = clients()
    sampler = TeamThenTrimSampler(ask(), new_classes={"perhaps": 4}, random_state=0)

    with pytest.raises(GeneratorError, match="perhaps"):
        sampler.fit_resample(X, y)
    assert not ASKED
