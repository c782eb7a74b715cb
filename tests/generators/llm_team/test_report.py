"""What fails costs its rows only, and the report tells what happened."""

import itertools
import json
import threading

import pytest
from doubles.sampler_runs import OFF, check_report, may_fall_short
from doubles.scripted_team import LOCK, LOG, PLAN, listen, patients, team

from t2sampler import TeamThenTrimSampler
from t2sampler.constraints import Between
from t2sampler.exceptions import (
    BrokenRuleWarning,
    ChatError,
)
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import ChatModel
from t2sampler.team import Component, Plan
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    make_requests,
)


def agree(request):
    """Find every row likely to be ill."""
    return json.dumps({"rows": [{"i": i, "well": 0, "ill": 1} for i in range(1, 6)]})


def fail_for(role, *, times, is_fatal=False, then=listen):
    left = [times]

    def script(request):
        with LOCK:
            if request.role == role and left[0] > 0:
                left[0] -= 1
                return ChatError(f"no {role} here", is_fatal=is_fatal)
        return then(request)

    return script


@may_fall_short
def test_a_call_that_fails_costs_its_batch_only():
    label = ScriptedChat(fail_for("label", times=1, then=agree))
    sampler = TeamThenTrimSampler(
        team(label=label), **OFF, batch_size=5, random_state=0
    )

    _, y_res = sampler.fit_resample(*patients())

    assert sampler.report_.totals["refused"] == 5
    assert set(sampler.report_.left_out["reason"]) >= {"no label here"}
    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    check_report(sampler, y_res)


def test_when_every_call_fails_the_first_error_is_raised():
    with pytest.raises(ChatError, match="no worker here"):
        TeamThenTrimSampler(team(fail_for("worker", times=999)), **OFF).fit_resample(
            *patients()
        )


def test_a_fatal_error_is_raised_at_once():
    script = fail_for("worker", times=1, is_fatal=True)

    with pytest.raises(ChatError, match="no worker here"):
        TeamThenTrimSampler(team(script), **OFF).fit_resample(*patients())


def test_rows_no_column_can_hold_are_refused_with_what_they_got():
    def nonsense(request):
        text = listen(request)
        rows = json.loads(text)["rows"]
        if request.role == "worker":
            rows[0] |= dict.fromkeys({"bmi", "c3", "BMI"} & set(rows[0]), "heavy")
        return json.dumps({"rows": rows})

    fitted = team(nonsense).fit(*patients())

    batch = next(iter(fitted.draw(make_requests(1, 6, labels=["ill"] * 6))))

    assert len(batch.X) + len(batch.refused) == 6
    assert batch.refused["reason"].str.contains("bmi").all()
    assert batch.refused["age"].notna().all()
    assert batch.refused["visits"].isna().all()  # those who wait are not asked for it


def test_a_row_that_one_lost_is_still_asked_of_who_does_not_wait_for_them():
    plan = Plan([Component("one", ["age", "sex"]), Component("two", ["bmi", "visits"])])

    def lose(request):
        text = listen(request)
        if "age" not in request.schema["properties"]["rows"]["items"]["properties"]:
            return text
        return json.dumps({"rows": json.loads(text)["rows"][1:]})

    fitted = team(lose, plan=plan, label=ScriptedChat(listen)).fit(*patients())

    batch = next(iter(fitted.draw(make_requests(1, 4, labels=["ill"] * 4))))

    sizes = {
        role: max(r.messages[1][1].count('\n{"i":') for r in LOG if r.role == role)
        for role in ("worker", "label")
    }
    assert len(batch.refused) >= 1
    assert sizes["label"] < sizes["worker"]


def test_rules_of_a_given_plan_hold_in_the_result():
    X, y = patients()
    plan = Plan(PLAN.components, rules=[Between("age", high=60)])
    sampler = TeamThenTrimSampler(
        team(plan=plan), cost="passthrough", diversity="passthrough", random_state=0
    )

    with pytest.warns(BrokenRuleWarning, match="real rows break"):
        X_res, _ = sampler.fit_resample(X, y)

    assert (X_res["age"].iloc[40:] <= 60).all()


def test_notes_say_what_left_the_machine_and_what_was_repaired():
    def add_units(request):
        rows = json.loads(listen(request))["rows"]
        for row in rows:
            for word in {"age", "AGE", "c1"} & set(row):
                row[word] = f"{row[word]} years"
        return json.dumps({"rows": rows})

    meanings = {"age": "age in years"}
    sampler = TeamThenTrimSampler(
        team(add_units, feature_descriptions=meanings), **OFF, random_state=0
    )
    sampler.fit_resample(*patients())
    notes = "\n".join(sampler.report_.notes)
    assert "40 of 40 real rows were shown to a model" in notes
    assert "Repaired: units left out" in notes

    LOG.clear()
    sampler = TeamThenTrimSampler(team(examples="summary"), **OFF, random_state=0)
    sampler.fit_resample(*patients())
    assert "No real row was shown" in "\n".join(sampler.report_.notes)
    assert not any("real rows:" in r.messages[0][1] for r in LOG)


def test_what_fitted_workers_copy_is_noted():
    generator = team(workers={"person": StatisticalTeam()}, examples="summary")

    generator.fit(*patients())
    assert not any("shown" in note for note in generator.notes_)  # nobody was asked
    list(generator.draw(make_requests(1, 3)))

    [note] = [note for note in generator.notes_ if "shown" in note]
    assert "The fitted workers of ['person']" in note


def test_descriptions_of_no_column_are_noted():
    meanings = {"bmi": "body mass index", "state": "of health", "agee": "years"}
    fitted = team(feature_descriptions=meanings).fit(*patients())

    assert any("['agee']" in note for note in fitted.notes_)
    list(fitted.draw(make_requests(1, 3)))
    assert "body mass index" in LOG[0].messages[0][1]


def test_usage_is_told_per_role():
    chat = ScriptedChat(listen, prices={"input": 1.0, "output": 10.0})
    generator = LLMTeam(chat, manager=chat, label=chat, store=False)
    sampler = TeamThenTrimSampler(generator, **OFF, random_state=0)

    sampler.fit_resample(*patients())

    usage = sampler.report_.usage
    assert usage.index.tolist() == ["manager", "worker", "label"]
    assert (usage[["calls", "input_tokens", "output_tokens", "cost"]] > 0).all().all()
    assert "Language models" in sampler.report_._repr_html_()
    assert "manager" in str(sampler.report_)


def test_a_bar_shows_what_was_spent(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # tqdm cuts a bar to the terminal's width
    sampler = TeamThenTrimSampler(team(), **OFF, random_state=0, verbose=1)

    sampler.fit_resample(*patients())

    assert "20/20" in (said := capsys.readouterr().err)
    assert " calls, " in said
    assert " tokens" in said


def test_calls_run_side_by_side():
    """Four at a time wait for each other, but for the first three batches, and the end.

    Those are asked alone, in case no reply can be read.
    """
    together, begun = threading.Barrier(4, timeout=60), itertools.count()

    def answer_together(request):
        if 9 <= next(begun) < 49:
            together.wait()
        return answer_competently(request)

    chat = ScriptedChat(answer_together, max_concurrency=4)
    fitted = LLMTeam(chat, plan=PLAN, store=False).fit(*patients())

    batches = list(fitted.draw(make_requests(19, 4, labels=["ill"] * 4)))

    assert len(batches) == 19
    assert next(begun) == 3 * 19


def test_no_key_is_one_sentence_before_any_work(monkeypatch):
    monkeypatch.delenv("NO_KEY_HERE", raising=False)
    chat = ChatModel("m", base_url="http://127.0.0.1:9/v1", api_key_env="NO_KEY_HERE")

    with pytest.raises(ChatError, match="NO_KEY_HERE"):
        TeamThenTrimSampler(LLMTeam(chat, store=False)).fit_resample(*patients())
