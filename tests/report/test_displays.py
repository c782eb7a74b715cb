"""Displays keep to scikit-learn's manner, and draw what the rows hold."""

import pickle

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, two_classes
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from t2sampler import TeamThenTrimSampler
from t2sampler._schema import learn_column
from t2sampler.report import (
    AssociationDisplay,
    BatchesDisplay,
    MarginalsDisplay,
    PlanDisplay,
    RowsDisplay,
    UsageDisplay,
)
from t2sampler.report._batches import group_batches
from t2sampler.report._marginals import make_marginal
from t2sampler.report._plan import HEIGHT, WIDTH
from t2sampler.report._run_rows import choose_rows, match_classes
from t2sampler.team import Component

DISPLAYS = {
    "rows": RowsDisplay,
    "marginals": MarginalsDisplay,
    "associations": AssociationDisplay,
    "batches": BatchesDisplay,
    "plan": PlanDisplay,
}


@pytest.mark.parametrize("kind", DISPLAYS.values(), ids=DISPLAYS)
def test_plot_draws_into_given_axes_and_returns_the_display(kind, mixed_run):
    display = kind.from_sampler(mixed_run)
    figure = Figure((12, 9))
    ax = figure.subplots(1, 2)[1]

    assert display.plot(ax) is display
    assert display.figure_ is figure
    assert len(display.axes_) == display.n_panels
    assert all(axes.figure is figure for axes in display.axes_)
    figure.draw_without_rendering()


def test_axes_placed_by_hand_take_one_panel_only(mixed_run):
    ax = Figure().add_axes((0, 0, 1, 1))

    assert PlanDisplay.from_sampler(mixed_run).plot(ax).axes_.tolist() == [ax]
    with pytest.raises(ValueError, match="2 panels"):
        RowsDisplay.from_sampler(mixed_run).plot(ax)


def test_plot_makes_a_figure_that_notebooks_show(team_run):
    from matplotlib import pyplot

    display = UsageDisplay.from_sampler(team_run).plot()

    assert pyplot.figure(display.figure_.number) is display.figure_
    pyplot.close(display.figure_)


@pytest.mark.parametrize("kind", [*DISPLAYS.values(), UsageDisplay])
def test_a_sampler_without_a_report_is_refused(kind, mixed_run):
    copy = pickle.loads(pickle.dumps(mixed_run))

    for sampler in (TeamThenTrimSampler(), copy):
        with pytest.raises(NotFittedError, match=r"fit_resample"):
            kind.from_sampler(sampler)


def test_a_run_without_models_has_no_usage(mixed_run):
    with pytest.raises(ValueError, match="No language model was asked"):
        UsageDisplay.from_sampler(mixed_run)


def test_map_shows_every_row_of_a_small_run(mixed_run):
    totals = mixed_run.report_.totals

    for method in ("pca", "tsne"):
        dots = RowsDisplay.from_sampler(mixed_run, method=method).dots

        n_shown = {name: len(part.places) for name, part in dots.items()}
        trimmed = sum(totals[name] for name in ("sanity", "cost", "diversity"))
        assert n_shown == {"real": 80, "new": totals["accepted"], "trimmed": trimmed}
        assert np.isfinite(dots["new"].places).all()


def test_map_refuses_an_unknown_method(mixed_run):
    with pytest.raises(ValueError, match="'umap'"):
        RowsDisplay.from_sampler(mixed_run, method="umap")


def test_chosen_rows_have_some_of_every_class():
    labels = np.random.default_rng(0).permutation(np.repeat([2, 0, 1], [5000, 30, 3]))

    chosen = choose_rows(labels, 500)

    assert len(np.unique(chosen)) == len(chosen) < 600
    assert np.bincount(labels[chosen])[:2].tolist() == [25, 3]


def test_real_rows_are_compared_in_the_class_shares_of_new_ones():
    rng = np.random.default_rng(0)
    real = rng.permutation(np.repeat([0, 1, 2], [800, 150, 50]))
    new = rng.permutation(np.repeat([1, 2, 3], [10, 30, 9]))

    positions, compared = match_classes(real, new)

    shares = np.bincount(real[positions], minlength=3) / len(positions)
    assert shares == pytest.approx([0, 0.25, 0.75], abs=0.01)
    assert set(new[compared]) == {1, 2}
    assert set(positions[real[positions] == 2]) == set(np.flatnonzero(real == 2))


def test_marginals_do_not_depend_on_the_order_of_rows(rng):
    column = learn_column(pd.Series(rng.normal(size=50)), "x")
    real, new = rng.normal(size=50), np.append(rng.normal(2, 1, 30), np.nan)

    one = make_marginal(column, real, new)
    other = make_marginal(column, rng.permutation(real), rng.permutation(new))

    assert one.edges.tolist() == other.edges.tolist()
    assert (one.real == other.real).all()
    assert (one.new == other.new).all()
    assert one.real.sum() == pytest.approx(1)  # rows far out are in the last bins
    assert one.new.sum() + one.missing[1] == pytest.approx(1)


def test_bins_of_whole_numbers_hold_equally_many(rng):
    column = learn_column(pd.Series(np.arange(40)), "count")

    marginal = make_marginal(column, np.arange(40.0), rng.permutation(np.arange(40.0)))

    widths = np.diff(marginal.edges)
    assert (widths == widths[0]).all()
    assert widths[0] % 1 == 0
    assert marginal.edges[0] % 1 == 0.5
    assert (marginal.real == marginal.new).all()


def test_rare_levels_are_one_bar(rng):
    letters = [f"level {i}" for i in range(30)]
    column = learn_column(pd.Series(letters), "letter")
    codes = np.repeat(np.arange(30.0), np.arange(30, 0, -1))

    marginal = make_marginal(column, rng.permutation(codes), codes[::-1])

    assert len(marginal.labels) == 8
    assert marginal.labels[-1] == "all others"
    assert "level 0" in marginal.labels
    assert marginal.real.sum() == pytest.approx(1)


def test_columns_are_ranked_by_their_distance(mixed_run):
    marginals = MarginalsDisplay.from_sampler(mixed_run, n_columns=3).marginals

    distances = [marginal.distance for marginal in marginals]

    assert len(distances) == 3
    assert distances == sorted(distances, reverse=True)


def test_batches_that_are_alike_are_one_line(mixed_run):
    batches = mixed_run.report_.batches

    table = group_batches(batches)

    assert table["batches"].sum() == len(batches)
    assert table["drawn"].sum() == batches["drawn"].sum()
    assert len(table) < len(batches)
    assert not np.isinf(table.select_dtypes("number").to_numpy(dtype=float)).any()


def test_boxes_of_a_plan_do_not_overlap_and_stand_below_what_they_read():
    names = [f"part {i}" for i in range(12)]
    reads = {name: names[i + 4 : i + 6] for i, name in enumerate(names)}
    parts = [Component(name, [f"column {name}"], reads[name]) for name in names]

    places = PlanDisplay(parts).places

    assert set(places) == set(names)
    corners = np.array(list(places.values()))
    gaps = np.abs(corners[:, None] - corners[None])
    apart = (gaps[..., 0] >= WIDTH) | (gaps[..., 1] >= HEIGHT)
    assert apart[~np.eye(12, dtype=bool)].all()
    assert all(places[a][1] > places[b][1] for a in names for b in reads[a])


def test_report_holds_the_rows_of_the_run_and_nothing_private():
    X, y = two_classes()
    X["who"] = [f"secret-{i}" for i in range(len(X))]
    sampler = TeamThenTrimSampler(column_kinds={"who": "private"}, **OFF)

    sampler.fit_resample(X, y)

    rows = sampler.report_.rows
    assert len(rows.real) == len(X)
    codes, labels = rows.select("accepted")
    assert len(codes) == len(labels) == sampler.report_.totals["accepted"]
    assert b"secret-" not in pickle.dumps(sampler.report_)
