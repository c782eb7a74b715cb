"""Drawing ends where a class that is short gets no row any more, and only there."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler._records import Batch, Verdict
from t2sampler._schema import TableSchema
from t2sampler.exceptions import QuotaNotMetError, QuotaNotMetWarning
from t2sampler.filters import BaseFilter
from t2sampler.filters._sequence import FilterResult
from t2sampler.generators import LLMTeam
from t2sampler.sampling import _loop
from t2sampler.sampling._brake import explain_end, is_given_up
from t2sampler.sampling._loop import count_short, fill_quotas, make_requests
from t2sampler.testing import RepeatRows, ScriptedChat, answer_competently

SCHEMA = TableSchema.learn(pd.DataFrame({"age": [0, 1, 2]}), pd.Series([2, 0, 1]))
OFF = {"sanity": "passthrough", "diversity": "passthrough"}


class TrimAll(BaseFilter):
    def _fit(self, rows):
        pass

    def _inspect(self, rows, batch):
        n_rows = len(rows)
        return Verdict(
            np.zeros(n_rows, dtype=bool), np.full(n_rows, "no", dtype=object)
        )


def draw_counting(requests):
    for request in requests:
        start = request.index * request.n_rows
        X = pd.DataFrame({"age": np.arange(start, start + request.n_rows)})
        yield Batch(request.index, X, pd.Series(request.labels))


def run(quotas, passes, *, draw=draw_counting, batch_size=20):
    """Draw at most 300 batches of rows with ages 0, 1, 2, …; return the waves."""

    def inspect(rows, batch):
        ages = rows.frame["age"].to_numpy()
        keep = passes(ages, rows.labels)
        by = np.where(keep, "", "diversity").astype(object)
        return FilterResult(keep, by, by, {}, pd.DataFrame(), {})

    return fill_quotas(
        draw,
        inspect,
        SCHEMA,
        make_requests(0, batch_size, quotas, SCHEMA),
        quotas,
        batch_size=batch_size,
        max_batches=300,
        progress=lambda n_rows, n_batches: None,
    )


def count_batches(waves):
    return sum(len(np.unique(wave.batch)) for wave in waves)


@pytest.mark.parametrize("batch_size", [7, 20, 90])
def test_drawing_ends_after_50_batches_that_give_no_row_of_any_class(batch_size):
    quotas = {2: 1, 1: 3}  # class 2 in one row of four

    waves = run(quotas, lambda ages, _: ages < 0, batch_size=batch_size)

    (note,) = explain_end(SCHEMA, waves, quotas, batch_size, 300)
    assert count_batches(waves) == 50
    assert note.startswith("Drawing ended after 50 batches: none of the last")
    assert "; none of the last" in note


@pytest.mark.parametrize(("batch_size", "n_rows"), [(7, 1001), (20, 1000), (90, 4500)])
def test_drawing_ends_where_no_row_passes_any_more(batch_size, n_rows):
    waves = run({1: 4}, lambda ages, _: ages == 0, batch_size=batch_size)

    assert sum(len(wave.rows) for wave in waves) == n_rows + batch_size


def test_a_class_in_few_rows_of_a_batch_has_its_own_count_once_a_row_has_passed():
    def passes(ages, labels):
        return np.where(labels == 2, ages > 2500, ages == 0)

    quotas = {1: 19, 2: 1}

    waves = run(quotas, passes)

    assert count_short(quotas, waves) == {1: 18}
    assert count_batches(waves) > 2500 // 20


def test_classes_that_fill_up_slowly_are_filled_as_without_a_limit(monkeypatch):
    def passes(ages, labels):
        return (ages * 7919) % 50 == 3

    waves = run({2: 11, 0: 30}, passes)
    monkeypatch.setattr(_loop, "is_given_up", lambda *_: False)
    unlimited = run({2: 11, 0: 30}, passes)

    assert [len(wave.rows) for wave in waves] == [len(wave.rows) for wave in unlimited]
    assert count_short({2: 11, 0: 30}, waves) == {}


def test_a_full_class_does_not_keep_the_drawing_alive():
    waves = run({0: 6, 1: 6}, lambda ages, labels: labels == 0)

    assert count_short({0: 6, 1: 6}, waves) == {1: 6}
    assert count_batches(waves) == 100  # half of the rows are of the class that fails


def test_a_class_that_still_fills_up_keeps_the_drawing_alive():
    waves = run({0: 6, 1: 6}, lambda ages, labels: (labels == 0) & (ages % 900 < 2))

    assert count_short({0: 6, 1: 6}, waves) == {1: 6}
    assert count_batches(waves) == 4500 // 20 + 1  # until the last row of class 0


def test_rows_that_pass_start_the_count_anew():
    waves = run({0: 5}, lambda ages, _: ages == 500)

    assert count_batches(waves) == 26 + 50


def test_a_generator_that_never_writes_a_class_is_given_up_too():
    def draw(requests):
        for batch in draw_counting(requests):
            yield Batch(batch.index, batch.X, batch.y * 0 + 2)

    waves = run({0: 4}, lambda ages, _: ages >= 0, draw=draw)

    (note,) = explain_end(SCHEMA, waves, {0: 4}, 20, 300)
    assert count_batches(waves) == 50
    assert "class 0 passed (1,000 were not written)" in note


def test_nothing_is_explained_where_nothing_was_given_up():
    waves = run({0: 4}, lambda ages, _: ages >= 0)

    assert explain_end(SCHEMA, waves, {}, 20, 1) == []
    assert explain_end(SCHEMA, [], {0: 4}, 20, 1) == []
    assert not is_given_up({}, {0: 4}, 20, 0)


def test_a_generator_that_can_give_no_more_has_not_come_to_the_limit():
    waves = run(
        {0: 100}, lambda ages, _: ages >= 0, draw=lambda r: draw_counting(r[:3])
    )

    assert explain_end(SCHEMA, waves, {0: 40}, 20, 300) == []


def test_the_limit_tells_how_many_rows_passed_and_what_trimmed_the_others():
    quotas = {0: 40, 1: 20}
    waves = run(quotas, lambda ages, labels: (labels == 1) | (ages % 400 == 1))
    short = count_short(quotas, waves)

    (note,) = explain_end(SCHEMA, waves, short, 20, 300)

    n_asked = 300 * 20 * 2 // 3
    n_passed = 40 - short[0]
    assert note == (
        f"Drawing ended at `max_batches`, 300: {n_passed} of {n_asked:,} rows of class "
        f"0 passed (diversity trimmed {n_asked - n_passed:,}). Raise `max_batches`, or "
        "make the filter that trims most laxer."
    )


def table():
    X = pd.DataFrame({"age": np.arange(30) % 7, "n": np.arange(30.0)})
    return X, pd.Series(["well"] * 20 + ["ill"] * 10)


def test_the_user_is_told_what_trimmed_all_rows():
    sampler = TeamThenTrimSampler(RepeatRows(), cost=TrimAll(), **OFF, random_state=1)

    with pytest.warns(QuotaNotMetWarning, match="ended after 50 batches") as told:
        X_res, _ = sampler.fit_resample(*table())
    n_batches, notes = len(sampler.report_.batches), sampler.report_.notes
    with pytest.raises(QuotaNotMetError, match="ended after 50 batches"):
        sampler.set_params(on_shortfall="raise").fit_resample(*table())

    assert (len(X_res), n_batches) == (40, 50)
    (note,) = [note for note in notes if note.startswith("Drawing ended")]
    assert "none of the last 1,000 rows of class ill passed" in note
    assert "cost trimmed 1,000" in note
    assert note in str(told[0].message)


@pytest.mark.parametrize("batch_size", [5, 20])
def test_rows_that_all_fail_cost_a_quarter_of_the_calls(batch_size, tmp_path):
    team = LLMTeam(ScriptedChat(answer_competently), store=str(tmp_path / "replies"))
    sampler = TeamThenTrimSampler(team, cost=TrimAll(), batch_size=batch_size, **OFF)

    with pytest.warns(QuotaNotMetWarning, match="More batches would hardly help"):
        sampler.fit_resample(*table())

    assert sampler.report_.usage["calls"].sum() <= 60
    assert sampler.estimate(*table()).calls == (0, 0)  # the run would end there again
