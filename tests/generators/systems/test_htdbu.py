"""H-TDBU: no row breaks a rule, the loop decides by thresholds, one call at most."""

import pickle

import numpy as np
import pandas as pd
import pytest
from doubles.bank_clients import MOODS, ORDER, clients, count_broken, draw, signs

from t2sampler import TeamThenTrimSampler
from t2sampler.constraints import Between, Implies, OneOf
from t2sampler.exceptions import ConstraintError, GeneratorError
from t2sampler.generators import CLLM, HTDBU, StatisticalTeam, from_synthesizer
from t2sampler.testing import (
    RepeatRows,
    ScriptedChat,
    check_generator,
    make_requests,
)

CHAINS = ["forest", "boosting"]


class Shuffled:
    """A synthesizer that knows each column, and nothing of how they go together."""

    def fit(self, frame):
        self.frame = frame

    def sample(self, n_rows, seed=None):
        rng = np.random.default_rng(seed)
        return pd.DataFrame({c: rng.choice(x, n_rows) for c, x in self.frame.items()})


TEXTURES = {
    "forest": "forest",
    "boosting": "boosting",
    "team": StatisticalTeam(),
    "shuffled": from_synthesizer(Shuffled()),
}


@pytest.mark.parametrize("texture", TEXTURES)
def test_contract(texture):
    check_generator(HTDBU(texture=TEXTURES[texture]))


@pytest.mark.parametrize("texture", CHAINS)
def test_contract_of_published_form(texture):
    check_generator(HTDBU(texture=texture, published=True))


@pytest.mark.parametrize("texture", TEXTURES)
def test_no_row_breaks_a_rule_and_wanted_labels_are_obeyed(texture):
    X, y = clients()
    rules = [*MOODS, ORDER, Between("age", 25, 60)]  # some real rows are older
    htdbu = HTDBU(rules, texture=TEXTURES[texture], max_rounds=0).fit(X, y)

    new, labels, _ = draw(htdbu, labels=["no", "yes", "yes"])

    assert count_broken(htdbu.rules_, new, labels) == 0
    assert htdbu.rules_ == tuple(rules)
    assert len(new) == 180
    assert labels.tolist() == ["no", "yes", "yes"] * 60


@pytest.mark.parametrize("texture", ["forest", "shuffled"])
def test_rules_hold_whatever_the_order_of_rows_columns_and_labels(texture):
    X, y = clients()
    order = np.random.default_rng(4).permutation(len(X))
    X, y = X[["town", "income", "age", "debt", "mood"]].iloc[order], y.iloc[order]
    mixed = X.set_axis(order, axis=0), y.set_axis(order).astype("category")

    htdbu = HTDBU([ORDER, *MOODS[::-1]], texture=TEXTURES[texture]).fit(*mixed)
    new, labels, _ = draw(htdbu)

    assert count_broken(MOODS, new, labels.astype(object)) == 0
    assert (new["debt"] <= new["income"]).all()
    assert list(new) == list(X)
    assert labels.dtype == mixed[1].dtype


def test_rules_are_inferred():
    X, y = clients()
    htdbu = HTDBU(max_rounds=0).fit(X, y)

    new, labels, _ = draw(htdbu)

    names = [rule.name for rule in htdbu.rules_]
    assert "income >= debt" in names
    assert "if signs is one of 'no', then mood is one of 'neutral', 'sad'" in names
    assert count_broken([*MOODS, ORDER, *htdbu.rules_], new, labels) == 0
    assert htdbu.plan_.rules == ()  # the sanity filter infers them itself


def test_skeleton_has_the_shares_of_the_real_rows():
    X, y = clients(1000)
    htdbu = HTDBU(MOODS, max_rounds=0).fit(X, y)

    new, labels, _ = draw(htdbu, 2000, n_batches=1)

    real = pd.crosstab(X["mood"], y, normalize=True)
    drawn = pd.crosstab(new["mood"], labels, normalize=True)
    assert (real - drawn).abs().to_numpy().max() < 0.03
    ages = pd.DataFrame({"age": new["age"], "y": labels}).groupby("y")["age"].mean()
    assert 6 < ages["yes"] - ages["no"] < 12  # the texture knows the label


def test_what_no_real_row_shows_is_drawn_where_a_rule_says_so():
    X, y = clients()
    htdbu = HTDBU([signs("yes", "sad")], max_rounds=0).fit(X, y)

    new, labels, _ = draw(htdbu)

    assert set(new["mood"][labels == "yes"]) == {"sad"}
    assert any("real rows break it" in note for note in htdbu.notes_)


def test_row_that_cannot_obey_is_refused_with_the_rule():
    """A rule of the user's own names no column, so nothing can be copied for it."""

    class Even:
        name = "age is even"

        def holds(self, frame):
            return frame["age"].to_numpy() % 2 == 0

    X, y = clients()
    never = from_synthesizer(Odd())
    new, _, refused = draw(
        HTDBU([Even()], texture=never).fit(X.dropna(), y[X.dropna().index])
    )

    assert new.empty
    assert set(refused["reason"]) == {"age is even"}
    some, _, refused = draw(HTDBU([Even()]).fit(X, y))
    assert (some["age"] % 2 == 0).all()
    assert len(some) > 170


class Odd(Shuffled):
    def sample(self, n_rows, seed=None):
        frame = super().sample(n_rows, seed)
        return frame.assign(age=frame["age"] // 2 * 2 + 1)


@pytest.mark.parametrize("texture", ["forest", "team", "shuffled"])
def test_batch_is_a_function_of_its_request(texture):
    X, y = clients()
    htdbu = HTDBU(MOODS, texture=TEXTURES[texture], max_rounds=0).fit(X, y)

    together = list(htdbu.draw(make_requests(4, 9)))
    copied = pickle.loads(pickle.dumps(htdbu))
    for place in (3, 0, 2):
        alone = next(copied.draw(make_requests(4, 9)[place : place + 1]))
        pd.testing.assert_frame_equal(alone.X, together[place].X)
        pd.testing.assert_series_equal(alone.y, together[place].y)

    assert not together[2].X.equals(together[3].X)


def test_team_that_has_no_such_row_gives_others_of_the_class():
    class Unable(StatisticalTeam):
        def draw_conditional(self, n_rows, given, **settings):
            raise GeneratorError("No row.")

    X, y = clients()
    htdbu = HTDBU(MOODS, texture=Unable(), max_rounds=0).fit(X, y)

    new, labels, _ = draw(htdbu, labels=["yes", "no"])

    assert labels.tolist() == ["yes", "no"] * 90
    assert count_broken(MOODS, new, labels) == 0


def test_no_row_repeats_a_real_one():
    X, y = clients()
    htdbu = HTDBU([ORDER], texture=RepeatRows(), max_rounds=0).fit(X, y)
    new, _, refused = draw(htdbu)
    drawn, _, _ = draw(HTDBU(MOODS, max_rounds=0).fit(X, y))

    assert new.empty  # that texture has nothing else
    assert set(refused["reason"]) == {"repeats a real row"}
    assert len(drawn) == 180
    assert drawn.merge(X.drop_duplicates(), how="inner").empty


def test_rules_that_do_not_fit_and_settings_are_refused_before_any_work():
    X, y = clients()

    with pytest.raises(ConstraintError, match="'happy'"):
        HTDBU([OneOf("mood", ["happy"])]).fit(X, y)
    with pytest.raises(ConstraintError, match="'signed'"):
        HTDBU([Implies(OneOf("signed", ["yes"]), ORDER)]).fit(X, y)
    with pytest.raises(ValueError, match="`published` expected `texture` as one of"):
        HTDBU(texture=StatisticalTeam(), published=True).fit(X, y)
    with pytest.raises(ConstraintError, match="got 'age > 3'"):
        HTDBU(["age > 3", "infer"]).fit(X, y)
    with pytest.raises(ValueError, match="asks no model, got CLLM"):
        HTDBU(texture=CLLM(ScriptedChat(), store=False)).fit(X, y)
    with pytest.raises(ValueError, match="The 'texture' parameter"):
        HTDBU(texture="trees").fit(X, y)
    with pytest.raises(GeneratorError, match="no real row obeys"):
        HTDBU([Implies(OneOf("signs", ["yes"]), Between("age", 2, 3))]).fit(
            X.dropna(), y[X.dropna().index]
        )


def test_unseen_label_is_refused():
    htdbu = HTDBU(MOODS).fit(*clients())

    with pytest.raises(GeneratorError, match="expected labels that real rows have"):
        draw(htdbu, labels=["perhaps"])


def test_loop_keeps_what_is_good_and_says_so():
    htdbu = HTDBU(MOODS).fit(*clients(600))

    (note,) = htdbu.notes_
    assert note.startswith("Feedback, round 1 (min_leaf=10): TSTR 0.")
    assert note.endswith("TSTR and XModal are within their thresholds: kept.")


def test_loop_relaxes_a_rule_that_real_rows_break_only_if_it_may():
    X, y = clients(600)
    strict = signs("yes", "glad")  # half of those who sign are neutral
    kept = HTDBU([strict]).fit(X, y)
    relaxed = HTDBU([strict], relax_rules=True).fit(X, y)

    assert kept.rules_ == (strict,)
    assert any(
        "break a given rule: refitted with min_leaf=30" in note for note in kept.notes_
    )
    assert relaxed.rules_ == (signs("yes", "glad", "neutral"),)
    assert any("break a rule: it was relaxed" in note for note in relaxed.notes_)
    assert any("round 2" in note and "kept" in note for note in relaxed.notes_)
    new, labels, _ = draw(relaxed)
    assert set(new["mood"][labels == "yes"]) == {"glad", "neutral"}


def test_loop_refits_a_texture_that_teaches_nothing():
    X, y = clients(600)
    X["mood"] = "neutral"  # the age alone tells of the label
    flat = HTDBU([ORDER], texture=from_synthesizer(Shuffled())).fit(X, y)

    (note,) = flat.notes_
    assert "below that of real rows: there is no other setting." in note


def test_loop_tries_settings_in_turn_and_takes_the_best(monkeypatch):
    from t2sampler.generators import _htdbu_loop as loop

    losses = iter([0.2, 0.1, 0.15])
    monkeypatch.setattr(
        loop,
        "measure",
        lambda *args: loop.Measured(0.9 - next(losses), 0.9, 0.01, 0.0, 0.0),
    )
    htdbu = HTDBU(MOODS).fit(*clients(600))

    assert [note[:35] for note in htdbu.notes_] == [
        "Feedback, round 1 (min_leaf=10): TS",
        "Feedback, round 2 (min_leaf=30): TS",
        "Feedback, round 3 (min_leaf=90): TS",
    ]
    assert htdbu.notes_[0].endswith("refitted with min_leaf=30.")
    assert htdbu.notes_[2].endswith("The best one is used, min_leaf=30.")


def test_loop_is_bounded_and_can_be_left_out():
    X, y = clients(600)

    assert len(HTDBU(MOODS, max_rounds=1).fit(X, y).notes_) == 1
    assert HTDBU(MOODS, max_rounds=0).fit(X, y).notes_ == ()
    (note,) = HTDBU(MOODS).fit(X[:60], y[:60]).notes_
    assert "too few real rows" in note


def test_held_out_rows_are_not_fitted_in_the_loop():
    """A texture that copies rows is given none of those that it is measured on."""
    seen = []

    class Spy(RepeatRows):
        def fit(self, X, y, schema=None):
            seen.append(len(X))
            return super().fit(X, y, schema)

    HTDBU(MOODS, texture=Spy(), max_rounds=1).fit(*clients(600))

    assert seen == [450, 600]


def test_published_form_breaks_rules_and_counts_them():
    X, y = clients()
    blind = HTDBU(MOODS, published=True).fit(X, y)

    new, labels, _ = draw(blind)

    assert count_broken(MOODS, new, labels) > 0
    (note,) = blind.notes_
    assert "of 1,000 trial rows break a rule" in note


@pytest.mark.parametrize("rules", [MOODS, "infer"])
def test_text_of_new_rows_suits_the_column_under_a_rule(rules):
    X, y = clients()
    rng = np.random.default_rng(0)
    says = {"sad": "losses of the bank grow", "glad": "profits of the bank rise"}
    text = [
        f"{says.get(m, 'the bank keeps its rate')}, day {d}, it was said today"
        for m, d in zip(X["mood"], rng.permutation(len(X)), strict=True)
    ]
    X.insert(1, "news", text)
    sampler = TeamThenTrimSampler(
        HTDBU(rules), column_kinds={"news": "text"}, random_state=0
    )

    grown, labels = sampler.fit_resample(X, y)

    new = grown[len(X) :]
    assert len(new) > 50
    for mood, news in zip(new["mood"], new["news"], strict=True):
        assert news.startswith(says.get(mood, "the bank keeps its rate"))
    assert count_broken(MOODS, grown, labels) == 0
    assert sampler.generator_.text_follows_ == ("mood",)


def test_sampler_draws_without_wanted_labels_and_reports_the_loop():
    X, y = clients(400)
    sampler = TeamThenTrimSampler(HTDBU(MOODS), n_batches=3, random_state=0)

    grown, labels = sampler.fit_resample(X, y)

    assert len(grown) > len(X)
    assert count_broken(MOODS, grown, labels) == 0
    assert any("Feedback, round 1" in note for note in sampler.report_.notes)
    assert "skeleton" in sampler.report_.plan
