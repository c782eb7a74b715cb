"""TAGAL: who is asked what in which order, and which round of rows is kept."""

import copy
import pickle
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from doubles.lamp_models import (
    ADVICE,
    BETTER,
    HEADER,
    LOG,
    METHODS,
    WORSE,
    by_batch,
    draw,
    find_round,
    lamps,
    make,
    script,
    write,
)
from doubles.sampler_runs import check_report, may_fall_short

from t2sampler.exceptions import GeneratorError
from t2sampler.generators import TAGAL
from t2sampler.llm import Budget
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
)

LOOP = ["generator", "critic", "generator", "critic", "generator"]


@pytest.mark.parametrize("method", METHODS)
def test_rounds_that_get_worse_are_not_drawn_and_no_critic_is_asked(method):
    tagal, asked, batches = draw(script(WORSE), method=method)

    assert asked == LOOP  # the last round has no review: nobody would read it
    assert tagal.best_round_ == 0
    assert tagal.round_gains_[0] > tagal.round_gains_[2]
    assert [request.role for request in LOG] == ["generator", "generator"]
    assert [find_round(request) for request in LOG] == [0, 0]
    assert all(len(batch.X) == 3 for batch in batches)
    assert "Batches are of round 0" in tagal.notes_[0]


def test_rounds_that_get_better_are_drawn_up_to_the_best():
    tagal, asked, batches = draw(script(BETTER), n_batches=1)

    assert asked == LOOP
    assert tagal.best_round_ == 2
    assert tagal.round_gains_[2] == max(tagal.round_gains_)
    assert [request.role for request in LOG] == LOOP
    assert batches[0].y.tolist() == ["dim", "bright", "dim"]


def test_a_reduced_loop_asks_once_more_in_the_conversation_of_fit():
    tagal, asked, _ = draw(script(BETTER), method="reduced_loop")

    assert (asked, tagal.best_round_) == (LOOP, 2)
    assert [request.role for request in LOG] == ["generator", "generator"]
    first, second = LOG
    assert first.messages == second.messages
    assert first.seed != second.seed
    assert [role for role, _ in first.messages[1:]] == ["user", "assistant"] * 2 + [
        "user"
    ]


def test_a_refined_prompt_shows_other_rows_each_time_in_its_slot():
    tagal, asked, _ = draw(script(BETTER), method="prompt_refine")

    assert asked == [*LOOP, "summarizer"]
    assert tagal.prompt_ == "Vary {size} by $3.\n[EXAMPLES]\nThen {} go on."
    assert [request.role for request in LOG] == ["generator", "generator"]
    questions = [request.messages[-1][1] for request in LOG]
    for question in questions:
        before, _, rest = question.partition("Vary {size} by $3.\n")
        assert before
        assert rest.startswith("Real rows")
        assert "Then {} go on.\nWrite 3 new rows" in rest
        assert "EXAMPLES" not in question.upper()
    assert questions[0] != questions[1]


def test_what_feeds_into_what():
    draw(script(BETTER), n_batches=1)
    first, review, second, _, third = LOG

    system, question = first.messages
    assert "\n1. " in system[1]
    assert '"size": ' in system[1]
    shown = question[1].partition(f"{HEADER}\n")[2].partition("\nWrite")[0]
    assert [line.split(",")[2] for line in shown.splitlines()] == ["bright"] * 5 + [
        "dim"
    ] * 5
    assert question[1].endswith('Rows:\n2 x {"glow":"dim"}\n1 x {"glow":"bright"}')
    rows = re.findall(r"^-?[\d.]+,\w+,\w+$", review.messages[-1][1], re.M)
    assert len(rows) == 3
    assert not set(rows) & set(shown.splitlines())  # the critic sees no real row
    assert second.messages[:2] == first.messages
    assert second.messages[2] == ("assistant", "\n".join([HEADER, *rows]))
    # Advice is data: in quotes, and no template reads it.
    assert f'\n- "{ADVICE}"\n- "Be brave."\n' in second.messages[3][1]
    assert third.messages[:4] == second.messages
    assert [role for role, _ in LOG[3].messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


def test_each_batch_has_a_loop_of_its_own_with_other_real_rows():
    draw(script(BETTER), keep="last")

    loops = by_batch(2)
    generator = [[r for r in loop if r.role == "generator"] for loop in loops]
    assert [len(loop) for loop in generator if len(loop) > 1] == [3, 3]
    assert Counter(request.role for request in LOG) == {"generator": 6, "critic": 4}


@pytest.mark.parametrize(
    ("method", "in_fit", "in_draw"),
    [
        ("synth_loop", {}, {"generator": 6, "critic": 4}),
        ("reduced_loop", {"generator": 2, "critic": 2}, {"generator": 2}),
        (
            "prompt_refine",
            {"generator": 3, "critic": 3, "summarizer": 1},
            {"generator": 2},
        ),
    ],
)
def test_published_keeps_the_last_round_and_names_no_labels(method, in_fit, in_draw):
    tagal, asked, batches = draw(script(WORSE), method=method, published=True)

    assert Counter(asked) == in_fit
    assert Counter(request.role for request in LOG) == in_draw
    assert (tagal.best_round_, tagal.round_gains_) == (2, ())
    questions = [r.messages[-1][1] for r in LOG if r.role == "generator"]
    assert not any("\nRows:\n" in question for question in questions)
    assert batches[0].y.tolist() == ["dim", "bright", "dim"]
    assert "rows written beyond those wanted, not used: 42" in "".join(tagal.notes_)
    reviewed = [r.messages[-1][1] for r in LOG if r.role == "critic"]
    assert all("24 rows" in text for text in reviewed)


def test_published_refuses_what_lacks_a_wanted_label():
    def only_dim(request):
        LOG.append(request)
        return "fine" if request.role == "critic" else write(["dim"] * 9, 0, 1)

    tagal, _, (batch,) = draw(only_dim, n_batches=1, published=True, rounds=1)

    assert batch.y.tolist() == ["dim", "dim"]
    assert batch.refused["label"].tolist() == ["bright"]
    # 7 of 9 that are dim, and all of the two replies to "bright" alone.
    assert "wanted, not used: 25" in "".join(tagal.notes_)
    assert "no row with this label" in batch.refused["reason"].iloc[0]


def test_critic_and_summary_may_be_other_models():
    def never(request):
        raise AssertionError(request.role)

    others = [ScriptedChat(script(BETTER), model=f"model {n}") for n in range(2)]
    tagal, asked, _ = draw(
        lambda request: (
            script(BETTER)(request) if request.role == "generator" else never(request)
        ),
        method="prompt_refine",
        critic=others[0],
        summarizer=others[1],
    )

    assert asked == [*LOOP, "summarizer"]
    assert {*tagal.usage_.index} == {"critic", "generator", "summarizer"}


@pytest.mark.parametrize("keep", ["best", "last"])
def test_one_round_needs_no_critic_and_nothing_in_fit(keep):
    tagal, asked, _ = draw(script(), rounds=1, keep=keep)

    assert asked == []
    assert [request.role for request in LOG] == ["generator", "generator"]
    assert tagal.best_round_ == 0


def test_too_few_real_rows_to_compare_rounds_cost_nothing():
    tagal = make(script(BETTER)).generator.fit(*lamps(5, 30))

    assert not LOG
    assert (tagal.best_round_, tagal.round_gains_) == (0, ())
    assert "were not compared" in tagal.notes_[0]


def test_tested_rows_were_not_shown_even_if_that_leaves_few_to_show():
    X, y = lamps(7, 30)
    make(script()).generator.fit(X, y)

    shown = re.findall(r"^[\d.]+,\w+,bright$", LOG[0].messages[1][1], re.M)
    assert len(shown) == 2  # five are left to test on


@pytest.mark.parametrize("method", METHODS)
def test_sampler_balances_and_tells_all(method):
    sampler = make(script(BETTER), method=method)

    X_res, y_res = sampler.fit_resample(*lamps())

    assert y_res.value_counts().to_dict() == {"dim": 28, "bright": 28}
    check_report(sampler, X_res)
    assert any("gain in AUC" in note for note in sampler.report_.notes)


@pytest.mark.parametrize("settings", [{}, {"published": True}])
@pytest.mark.parametrize("method", METHODS)
def test_contract(method, settings):
    check_generator(
        TAGAL(ScriptedChat(), method=method, rounds=2, store=False, **settings)
    )


@pytest.mark.parametrize("settings", [{}, {"published": True}])
def test_batches_without_wanted_labels(settings):
    sampler = make(script(), n_batches=2, rounds=1, max_batches=None, **settings)

    X_res, y_res = sampler.fit_resample(*lamps())

    assert len(X_res) == 40 + 16
    assert set(y_res.iloc[40:]) == {"dim", "bright"}


def test_new_classes_are_asked_for_by_number_and_not_published():
    good = script()

    X, y = lamps()
    sampler = make(good, batch_size=5).set_params(new_classes={"black": 5})
    _, y_res = sampler.fit_resample(X, y)

    assert (y_res == "black").sum() == 5
    LOG.clear()
    sampler.set_params(generator__published=True)
    with pytest.raises(GeneratorError, match=r"no labels.*\['black'\]"):
        sampler.fit_resample(X, y)
    assert not LOG


def test_store_answers_a_second_run(tmp_path):
    settings = {"method": "prompt_refine", "store": tmp_path / "store"}
    first, _ = make(script(BETTER), **settings).fit_resample(*lamps())
    LOG.clear()

    sampler = make(script(BETTER), mode="replay", **settings)
    again, _ = sampler.fit_resample(*lamps())

    assert not LOG
    pd.testing.assert_frame_equal(first, again)
    assert sampler.report_.usage["calls"].sum() == 0


@may_fall_short
def test_a_budget_that_ends_while_drawing_keeps_what_is_complete():
    sampler = make(
        script(BETTER),
        method="reduced_loop",
        budget=Budget(max_calls=6),
        batch_size=4,
    )
    sampler.set_params(on_shortfall="warn")

    X_res, _ = sampler.fit_resample(*lamps())

    assert len(LOG) == 6  # five in fit
    assert len(X_res) == 40 + 4
    assert any("ended early" in note for note in sampler.report_.notes)


@may_fall_short
def test_a_budget_that_ends_in_fit_draws_nothing():
    sampler = make(script(BETTER), budget=Budget(max_calls=3))
    sampler.set_params(on_shortfall="warn")

    X_res, _ = sampler.fit_resample(*lamps())

    assert (len(LOG), len(X_res)) == (3, 40)
    assert any("ended early" in note for note in sampler.report_.notes)


@pytest.mark.parametrize("wrong", [WORSE, BETTER], ids=["first", "last"])
@pytest.mark.parametrize("method", METHODS)
def test_estimate_holds_the_truth(method, wrong):
    """The first round is the low end, and the last round the high end."""
    said = "Sizes of bright lamps in Ulm are more alike than those of the table. "
    advice = "\n".join([f"- {said}"] * 6)
    answer = script(wrong, brief=f"{said * 15}\n[EXAMPLES]", advice=advice)
    sampler = make(answer, method=method, max_batches=2)
    estimate = sampler.estimate(*lamps())
    assert not LOG

    sampler.fit_resample(*lamps())

    end = 0 if wrong is WORSE else 1
    usage = sampler.report_.usage
    assert estimate.calls[end] == usage["calls"].sum() == len(LOG)
    for name in ("input_tokens", "output_tokens"):
        assert getattr(estimate, name)[end] == pytest.approx(usage[name].sum(), rel=0.3)


@pytest.mark.parametrize("method", METHODS)
def test_estimate_of_the_published_form(method):
    sampler = make(script(), method=method, published=True, n_batches=1)
    sampler.set_params(max_batches=None)
    estimate = sampler.estimate(*lamps())

    sampler.fit_resample(*lamps())

    assert estimate.calls[1] == sampler.report_.usage["calls"].sum()


def people():
    rng = np.random.default_rng(0)
    n = 40
    X = pd.DataFrame(
        {
            "size": rng.normal(30, 9, n).round(3),
            "mail": [f"q{v}@post.example" for v in rng.choice(10**8, n, False)],
            "town": ["Bonn", "Ulm"] * 19 + ["Zell", "Wien"],
        }
    )
    order = rng.permutation(n)
    y = pd.Series(["dim", "dim", "dim", "bright"] * 10, name="glow")
    return X.iloc[order].reset_index(drop=True), y[order].reset_index(drop=True)


@pytest.mark.parametrize("examples", ["auto", 12, "summary", 0])
@pytest.mark.parametrize("method", METHODS)
def test_what_leaves_the_machine(method, examples):
    def answer(request):
        LOG.append(request)
        return answer_competently(request)

    X, y = people()
    tagal = TAGAL(
        ScriptedChat(answer),
        method=method,
        rounds=2,
        keep="last",
        examples=examples,
        store=False,
    ).fit(X, y)
    list(tagal.draw(make_requests(2, 4, labels=["dim", "bright"] * 2)))

    sent = "\n".join(text for request in LOG for _, text in request.messages)
    assert {"generator", "critic"} <= {request.role for request in LOG}
    assert "mail" not in sent
    assert "post.example" not in sent
    rows = {f"{row.size},{row.town}" for row in X.itertuples()}
    shown = {row for row in rows if f"\n{row}," in sent}
    if examples in ("summary", 0):
        assert not shown
        assert "Real rows" not in sent
        assert "Zell" not in sent
        assert "Wien" not in sent
    elif examples == 12:
        assert 0 < len(shown) <= 12
    else:
        assert len(shown) > 5


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"method": "loop"}, "`?'?method"),
        ({"rounds": 0}, "rounds"),
        ({"shots": 0}, "shots"),
        ({"keep": "first"}, "keep"),
        ({"critic": "gpt"}, "critic"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_asked(settings, match):
    with pytest.raises(ValueError, match=match):
        make(script(), **settings).generator.fit(*lamps())
    assert not LOG


@pytest.mark.parametrize("method", METHODS)
def test_a_pickled_generator_draws_the_same_rows(method):
    tagal = TAGAL(ScriptedChat(), method=method, rounds=2, keep="last", store=False)
    tagal.fit(*lamps())

    again = pickle.loads(pickle.dumps(tagal))

    drawn, *others = (
        next(iter(each.draw(make_requests(1, 4, labels=["dim", "bright"] * 2)))).X
        for each in (tagal, again, copy.deepcopy(tagal))
    )
    for rows in others:
        pd.testing.assert_frame_equal(rows, drawn)


def test_columns_may_come_in_any_order():
    X, y = lamps()
    answers = []
    for frame in (X, X[["town", "size"]]):
        LOG.clear()
        tagal = make(answer_competently).generator.fit(frame, y)
        (batch,) = tagal.draw(make_requests(1, 4, labels=["dim", "bright"] * 2))
        answers.append(batch)
    assert answers[1].X.columns.tolist() == ["town", "size"]
    assert answers[1].y.tolist() == answers[0].y.tolist()
    assert set(answers[1].X["town"]) <= {"Bonn", "Ulm"}
