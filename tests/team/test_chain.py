"""A chain draws columns that depend on each other as they do in real rows."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.team._chain import N_UNIFORMS, Chain

N_REAL, N_NEW = 600, 2000


@pytest.fixture(scope="module")
def real():
    """Return schema, codes and labels: c follows from b, and x from the label and c."""
    rng = np.random.default_rng(5)
    y = (rng.random(N_REAL) < 0.3).astype(int)
    b = rng.choice(list("wuv"), N_REAL)
    c = np.where(b == "u", "low", "high")
    x = (10 * (c == "low") + 3 * y + rng.normal(size=N_REAL)).round(2)
    gain = np.where(rng.random(N_REAL) < 0.8, 0, rng.integers(500, 9000, N_REAL))
    X = pd.DataFrame({"x": x, "c": c, "gain": gain, "b": b})
    X.loc[::7, "x"] = np.nan
    schema = TableSchema.learn(X, pd.Series(y))
    return schema, schema.encode(schema.read(X)), y.astype(np.intp)


def draw(real, tied=(), seed=0, **settings):
    schema, codes, labels = real
    chain = Chain(schema.columns, tied, [3, 0, 2, 1], **settings)
    chain.fit(codes, labels)
    rng = np.random.default_rng(seed)
    wanted = rng.integers(0, 2, N_NEW)
    uniforms = rng.random((N_NEW, chain.n_uniforms))
    return chain, chain.write(wanted, uniforms), wanted, uniforms


@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_columns_depend_on_label_and_columns_before(real, kind):
    _, new, labels, _ = draw(real, kind=kind)

    x, c, gain, _ = new.T
    is_low = c == real[0].columns[1].levels.index("low")
    present = ~np.isnan(x)
    for low, label in ((True, 0), (True, 1), (False, 0), (False, 1)):
        rows = (is_low == low) & (labels == label) & present
        assert abs(x[rows].mean() - (10 * low + 3 * label)) < 0.5
        assert 0.7 < x[rows].std() < 1.6
    assert abs(np.isnan(x).mean() - 1 / 7) < 0.04
    assert abs((gain == 0).mean() - 0.8) < 0.05  # a value of many stays that value


def test_numbers_keep_to_the_bounds_and_the_grid_of_their_column(real):
    schema = real[0]
    _, new, _, _ = draw(real, kind="boosting")

    for j in (0, 2):
        present = new[~np.isnan(new[:, j]), j]
        assert schema.columns[j].low <= present.min()
        assert present.max() <= schema.columns[j].high
        assert np.array_equal(schema.columns[j].snap(present), present)


def test_tied_columns_are_from_one_real_row_of_the_class(real):
    _, codes, labels = real
    chain, new, wanted, _ = draw(real, tied=[(1, 3)], min_leaf=20)

    pairs = {
        (k, *row) for k, row in zip(labels, codes[:, [1, 3]].tolist(), strict=True)
    }
    assert {
        (k, *row) for k, row in zip(wanted, new[:, [1, 3]].tolist(), strict=True)
    } <= pairs
    assert chain.n_tied_uniforms == N_UNIFORMS
    assert chain.n_uniforms == 3 * N_UNIFORMS


def test_tied_columns_stay_when_the_rest_is_drawn_again(real):
    chain, new, wanted, uniforms = draw(real, tied=[(1, 3)])

    again = chain.write(wanted, 1 - uniforms, new)

    assert np.array_equal(again[:, [1, 3]], new[:, [1, 3]])
    assert not np.array_equal(again[:, 2], new[:, 2])


def test_only_donors_are_copied(real):
    schema, codes, labels = real
    high = schema.columns[1].levels.index("high")
    rows = np.flatnonzero(codes[:, 1] == high)
    donors = [(rows, labels[rows])]

    chain = Chain(schema.columns, [(1,)], [0, 1, 2, 3]).fit(codes, labels, donors)
    uniforms = np.random.default_rng(0).random((50, chain.n_uniforms))
    new = chain.write(np.zeros(50, dtype=np.intp), uniforms)

    assert set(new[:, 1]) == {high}


def test_class_of_one_row_has_that_row(real):
    schema, codes, _ = real
    few = np.where(np.arange(N_REAL) == 11, 1, 0)

    chain = Chain(schema.columns, [(3, 1, 2)], [0, 1, 2, 3]).fit(codes, few)
    uniforms = np.random.default_rng(0).random((40, chain.n_uniforms))
    new = chain.write(np.ones(40, dtype=np.intp), uniforms)

    assert np.array_equal(new[:, 1:], np.tile(codes[11, 1:], (40, 1)))


def test_row_depends_on_its_own_numbers_alone(real):
    chain, new, wanted, uniforms = draw(real)

    order = np.random.default_rng(1).permutation(N_NEW)[:300]

    alone = chain.write(wanted[order], uniforms[order])
    assert np.array_equal(alone, new[order], equal_nan=True)


def test_numbers_of_one_draw_say_nothing_of_the_next(real):
    """The published code shares a random number between columns of nearby rows."""
    _, new, labels, _ = draw(real)
    x, gain = new[:, 0], new[:, 2]
    rows = (labels == 0) & ~np.isnan(x) & (x < 5)

    for lag in (1, 2):
        pairs = x[rows][:-lag], gain[rows][lag:]
        assert abs(np.corrcoef(*pairs)[0, 1]) < 0.12
