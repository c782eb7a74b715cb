"""EPIC: what a model is shown, what it is asked for, and what becomes of its lines."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, check_report, may_fall_short

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import GeneratorError, ReplayError
from t2sampler.generators import EPIC
from t2sampler.llm import Budget
from t2sampler.llm._base import ChatReply
from t2sampler.llm._tokens import count_tokens
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
)

LOG = []
HEADER = "when,town,size,day"


@pytest.fixture(autouse=True)
def forget():
    LOG.clear()


def listen(request):
    LOG.append(request)
    return answer_competently(request)


def trips(n_late=6, n_early=24):
    """Return a table with the label's rare class first, and some missing values."""
    rng = np.random.default_rng(3)
    n_rows = n_late + n_early
    days = pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D")
    X = pd.DataFrame(
        {
            "town": rng.choice(["Oslo, east", "Bergen", "Alta"], n_rows),
            "size": rng.normal(50, 20, size=n_rows).round(1),
            "day": pd.Timestamp("2024-01-01") + days,
        }
    )
    X.loc[::9, "size"] = np.nan
    y = pd.Series(["late"] * n_late + ["early"] * n_early, name="when")
    return X, y


def make(answer=listen, **settings):
    chosen = {"batch_size": 6, "max_batches": 9, "random_state": 1} | OFF
    sampler = {k: settings.pop(k) for k in [*chosen, "n_batches"] if k in settings}
    chat = ScriptedChat(answer, prices=settings.pop("prices", None))
    epic = EPIC(chat, **{"store": False, **settings})
    return TeamThenTrimSampler(epic, **(chosen | sampler))


def sets_of(request):
    """Return the sets of a question: per set, the lines below each class's line."""
    sets, group = [], []
    for line in request.messages[-1][1].splitlines():
        if line == HEADER:
            sets.append({})
        elif sets and re.fullmatch(r"[A-Z]\.", line):
            group = sets[-1][line] = []
        elif sets and line:
            group.append(line)
        else:  # below an empty line there is another set, or what is asked
            group = []
    return [own for own in sets if any(own.values())]


@pytest.mark.parametrize("published", [False, True])
def test_it_keeps_the_contract(published):
    check_generator(EPIC(ScriptedChat(), published=published, store=False))


def test_questions_show_balanced_sets_and_ask_for_what_is_wanted():
    X, y = trips()
    sampler = make(n_sets=3, n_per_class=4)

    _, y_res = sampler.fit_resample(X, y)

    assert y_res.value_counts().to_dict() == {"early": 24, "late": 24}
    assert [request.role for request in LOG] == ["generator"] * 3
    shown = [sets_of(request) for request in LOG]
    for sets in shown:
        assert [{k: len(v) for k, v in own.items()} for own in sets] == [
            {"A.": 4, "B.": 4}
        ] * 3
        early = [line for own in sets for line in own["A."]]
        late = Counter(line for own in sets for line in own["B."])
        assert len(set(early)) == len(early)  # there are enough of them
        assert set(late.values()) == {2}  # each of the six, as often as the others
        assert all(len(set(own["B."])) == 4 for own in sets)
    assert shown[0] != shown[1]
    system, question = (text for _, text in LOG[0].messages)
    assert '"when" (label)' in system
    assert question.endswith('Rows:\n6 x {"when":"late"}')
    assert '"Oslo, east"' in question


def test_a_small_table_is_shown_whole_and_no_row_twice_in_a_set():
    X, y = trips(n_late=2, n_early=9)

    make().fit_resample(X, y)

    (first, *_), sets = LOG, sets_of(LOG[0])
    assert len(sets) == 4
    assert len({line for own in sets for line in own["A."]}) == 9
    for own in sets:
        assert [len(own["A."]), len(own["B."])] == [3, 2]
        assert len(set(own["A."])) == 3
    assert "Rows:" in first.messages[-1][1]


def test_the_published_form_has_no_instruction_and_no_name_of_a_level():
    X, y = trips()
    sampler = make(published=True, n_sets=2, feature_descriptions={"size": "in cm"})

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert set(y_res) == {"late", "early"}
    assert set(X_res["town"]) <= set(X["town"])
    for request in LOG:
        ((_, text),) = request.messages
        assert text.endswith(f"\n{HEADER}\nA.")
        assert '"size in cm"' in text
        assert not re.search("late|early|Oslo|Bergen|Alta", text)
        sets = sets_of(request)
        assert [len(own[k]) for own in sets for k in own] == [15] * 4
        words = {
            line.split(",")[n]
            for own in sets
            for k in own
            for line in own[k]
            for n in (0, 1)
        }
        assert len(words) == 5
        assert all(re.fullmatch("[A-Z][A-Z0-9]{2}", word) for word in words)
    first, second = (
        set(re.findall("[A-Z][A-Z0-9]{2}", r.messages[0][1])) for r in LOG[:2]
    )
    assert first != second


def test_the_published_list_goes_on_with_all_classes_until_those_wanted_are_there():
    X, y = trips()

    def go_on(request):
        LOG.append(request)
        own = sets_of(request)[0]
        return "\n".join([*own["A."][:5], "B.", "", *own["B."][:2], HEADER])

    epic = make(go_on, published=True).generator.fit(X, y)
    batch = next(epic.draw(make_requests(1, 6, labels=["late"] * 6)))

    assert len(LOG) == 3
    assert [request.attempt for request in LOG] == [0, 1, 2]
    assert len(batch.refused) == 6  # two a reply, all of them copies
    assert batch.refused["reason"].str.contains("copy").all()


def test_without_wanted_labels_each_class_gets_as_many_rows():
    X, y = trips()
    epic = make().generator.fit(X, y)

    batches = list(epic.draw(make_requests(3, 6)))

    assert all(Counter(batch.y) == {"late": 3, "early": 3} for batch in batches)


REPLIES = {
    "fenced": lambda text: f"```csv\n{text}\n```",
    "chatty": lambda text: f"Of course, here they are:\n{text}\nI varied the sizes.",
    "with class lines": lambda text: f"B.\n{text}\n\n{HEADER}\nA.",
    "after the sets": lambda text: "\n".join([*shown_lines(), text]),
}


def shown_lines():
    sets = sets_of(LOG[-1])
    return [line for own in sets for group in own.values() for line in group]


def write(*rows, header=HEADER):
    return "\n".join([header, *rows])


@pytest.mark.parametrize("reply", REPLIES)
def test_good_lines_are_read_whatever_stands_around_them(reply):
    X, y = trips()
    rows = [f"late,Alta,{n}.5,2024-05-0{n}" for n in range(1, 7)]

    def answer(request):
        LOG.append(request)
        return REPLIES[reply](write(*rows))

    epic = make(answer).generator.fit(X, y)
    batch = next(epic.draw(make_requests(1, 6, labels=["late"] * 6)))

    assert len(LOG) == 1
    assert batch.X["size"].tolist() == [n + 0.5 for n in range(1, 7)]


def test_columns_follow_the_header_of_a_reply():
    X, y = trips()
    reply = write(*["1.5,late,2024-05-02,Alta"] * 2, header="size,when,day,town")
    epic = make(lambda request: reply).generator.fit(X, y)

    batch = next(epic.draw(make_requests(1, 2, labels=["late"] * 2)))

    assert batch.X.iloc[0].tolist() == ["Alta", 1.5, pd.Timestamp("2024-05-02")]


def test_rows_of_other_labels_cut_off_or_of_the_wrong_width_are_asked_for_again():
    X, y = trips()
    replies = [
        write("early,Alta,1.5,2024-05-01", "late,Alta,2.5,2024-05-02", "late,Al"),
        "",
        write("late,Alta,3.5,2024-05-02,surplus", "late,Rome,4.5,2024-05-02"),
    ]

    def answer(request):
        LOG.append(request)
        return ChatReply(replies[len(LOG) - 1])

    epic = make(answer).generator.fit(X, y)
    batch = next(epic.draw(make_requests(1, 3, labels=["late"] * 3)))

    assert batch.X["size"].tolist() == [2.5]
    reasons = batch.refused["reason"].tolist()
    assert len(reasons) == 2
    assert "5 cells where 4 are expected" in reasons[0]
    assert "'town'" in reasons[1]
    endings = [request.messages[-1][1].splitlines()[-1] for request in LOG]
    assert endings == [f'{n} x {{"when":"late"}}' for n in (3, 2, 2)]
    assert len({request.seed for request in LOG}) == 3


def test_classes_without_rows_are_refused_by_name_before_anybody_is_asked():
    X, y = trips()
    sampler = make().set_params(new_classes={"never": 5})

    with pytest.raises(GeneratorError, match=r"\['never'\].*LLMTeam"):
        sampler.fit_resample(X, y)

    assert not LOG


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"examples": "summary"}, ValueError, "real rows.*'summary'|'summary'.*real"),
        ({"examples": 0}, ValueError, "at least 1, got 0"),
        ({"examples": 1}, GeneratorError, "early"),
        ({"max_example_tokens": 9}, ValueError, "max_example_tokens.*got 9. Raise it"),
        ({"n_sets": 0}, ValueError, "n_sets"),
        ({"n_per_class": 0}, ValueError, "n_per_class"),
        ({"published": "yes"}, ValueError, "published"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anybody_is_asked(
    settings, error, match
):
    with pytest.raises(error, match=match):
        make(**settings).fit_resample(*trips(n_late=24, n_early=6))

    assert not LOG


@may_fall_short
@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("max_tokens", [60, 150, 400])
def test_sets_keep_to_the_bound_and_stay_balanced(published, max_tokens):
    X, y = trips(n_late=20, n_early=60)

    make(max_example_tokens=max_tokens, published=published).fit_resample(X, y)

    for request in LOG:
        sets = sets_of(request)
        sizes = [len(group) for own in sets for group in own.values()]
        lines = [HEADER] * len(sets) + [
            line for own in sets for k in own for line in [k, *own[k]]
        ]
        assert 2 <= count_tokens("\n".join(lines)) <= max_tokens
        assert max(sizes) - min(sizes) <= 1
        assert {k for own in sets for k in own} == {"A.", "B."}


@pytest.mark.parametrize(("max_tokens", "n_notes"), [(300, 1), (6000, 0)])
def test_the_report_tells_that_published_sets_lose_rows(max_tokens, n_notes):
    X, y = trips()
    sampler = make(published=True, max_example_tokens=max_tokens)

    sampler.fit_resample(X, y)

    notes = [n for n in sampler.report_.notes if "120 of the published form" in n]
    assert len(notes) == n_notes
    n_shown = sum(len(rows) for own in sets_of(LOG[0]) for rows in own.values())
    assert (n_shown < 120) == bool(n_notes)


def test_only_so_many_rows_are_ever_shown():
    X, y = trips()

    make(examples=5).fit_resample(X, y)

    shown = {line for r in LOG for own in sets_of(r) for k in own for line in own[k]}
    assert len(shown) == 5


@may_fall_short
@pytest.mark.parametrize("published", [False, True])
def test_nothing_private_and_no_rare_level_is_sent(published):
    X, y = trips(n_late=100, n_early=200)
    X["town"] = X["town"].where(X.index != 17, "Tiny hamlet")
    X["Name"] = [f"Quast{n:03d}, Svenja" for n in range(len(X))]
    X["remark"] = [
        f"seen twice near the mill number {n}, then lost" for n in range(len(X))
    ]

    sampler = make(published=published, column_kinds={"Name": "private"})
    sampler.fit_resample(X[["remark", "Name", "town", "size", "day"]], y)

    sent = "\n".join(text for request in LOG for _, text in request.messages)
    assert LOG
    assert not re.search("Quast|Svenja|mill|hamlet|remark", sent)
    assert any(
        "real rows may have been shown" in note for note in sampler.report_.notes
    )


@pytest.mark.parametrize("published", [False, True])
def test_stored_replies_are_not_paid_for_again(tmp_path, published):
    X, y = trips()
    settings = {"store": str(tmp_path / "replies"), "published": published}
    rows, _ = make(**settings).fit_resample(X, y)
    n_asked = len(LOG)

    again = make(**settings, mode="replay")
    X_res, _ = again.fit_resample(X, y)

    assert len(LOG) == n_asked > 0
    pd.testing.assert_frame_equal(X_res, rows)
    assert again.report_.usage["calls"].sum() == 0
    assert make(**settings).estimate(X, y).calls[0] == 0
    with pytest.raises(ReplayError):
        make(**settings, mode="replay", n_sets=2).fit_resample(X, y)


@may_fall_short
def test_a_budget_that_ends_keeps_the_rows_so_far_and_says_why():
    X, y = trips()

    sampler = make(budget=Budget(max_calls=2))
    X_res, _ = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert len(LOG) == 2
    assert sampler.report_.totals["accepted"] == 12
    assert "ended early" in " ".join(sampler.report_.notes)


@pytest.mark.parametrize("published", [False, True])
@may_fall_short
def test_the_estimate_is_near_what_is_spent(published):
    X, y = trips(n_late=20, n_early=80)
    sampler = make(published=published, n_batches=5, batch_size=10)
    estimate = sampler.estimate(X, y)
    assert not LOG

    sampler.fit_resample(X, y)

    usage = sampler.report_.usage.sum(numeric_only=True)
    assert usage["calls"] == pytest.approx(estimate.calls[1], rel=0.2)
    for kind in ("input_tokens", "output_tokens"):
        assert usage[kind] == pytest.approx(getattr(estimate, kind)[1], rel=0.3)


def test_the_index_of_rows_does_not_matter():
    X, y = trips()
    make().fit_resample(X, y)
    asked = {request.messages for request in LOG}
    LOG.clear()

    make().fit_resample(X.set_axis(X.index + 70), y.set_axis(y.index + 70))

    assert {request.messages for request in LOG} == asked
