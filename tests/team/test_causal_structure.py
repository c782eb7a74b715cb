"""The search for a causal structure: known graphs are found, whatever the order."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.team import _causal_structure
from t2sampler.team._causal_structure import find_cycle, learn_structure


def learn(frame):
    schema = TableSchema.learn(frame)
    names = sorted(schema.names)
    places = [schema.names.index(name) for name in names]
    codes = schema.encode(schema.read(frame))
    columns = {name: schema.columns[j] for name, j in zip(names, places, strict=True)}
    return learn_structure(codes[:, places], columns)


def edges(structure):
    return {(p, child) for child, parents in structure.items() for p in parents}


def skeleton(structure):
    return {frozenset(edge) for edge in edges(structure)}


def make_collider(n_rows, seed=0):
    """Two unrelated causes of one column, which is the cause of another; a loner."""
    rng = np.random.default_rng(seed)
    smoke, dust = rng.random((2, n_rows)) < 0.5
    cough = rng.random(n_rows) < 0.05 + 0.45 * smoke + 0.45 * dust
    visit = np.where(cough, rng.normal(3, 1, n_rows), rng.normal(0, 1, n_rows))
    lonely = rng.choice(list("uvw"), n_rows)
    return pd.DataFrame(
        {
            "visit": visit,
            "dust": np.where(dust, "yes", "no"),
            "lonely": lonely,
            "cough": cough.astype(int),
            "smoke": smoke,
        }
    )


def test_finds_the_edges_and_the_collider_of_a_simulation():
    structure = learn(make_collider(3000))

    assert list(structure) == ["cough", "dust", "lonely", "smoke", "visit"]
    assert {("smoke", "cough"), ("dust", "cough")} <= edges(structure)
    assert skeleton(structure) == {
        frozenset(pair)
        for pair in [("smoke", "cough"), ("dust", "cough"), ("cough", "visit")]
    }


def test_order_of_rows_columns_and_levels_does_not_matter():
    frame = make_collider(800)
    other = frame.sample(frac=1, random_state=3)[frame.columns[::-1]]
    other = other.assign(dust=other["dust"].map({"yes": "1st", "no": "2nd"}))

    assert learn(other) == learn(frame)


def test_unrelated_columns_have_no_parents():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(300, 6)), columns=list("fbdace"))

    assert edges(learn(frame)) == set()


@pytest.mark.parametrize("n_rows", [10, 20])
def test_few_rows_give_few_wrong_edges(n_rows):
    """Plain BIC gives some five of the 28 that there could be."""
    counts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.integers(0, 2, (n_rows, 8)), columns=list("hgfbdace"))
        counts.append(len(edges(learn(frame))))

    assert np.mean(counts) < 1


def test_parents_and_candidates_are_bounded(monkeypatch):
    rng = np.random.default_rng(0)
    parts = pd.DataFrame(rng.random((20_000, 5)) < 0.5, columns=list("pqrst"))
    frame = parts.astype(int).assign(total=parts.sum(axis=1).astype(float))
    counted = []
    measure = _causal_structure._Search._measure
    monkeypatch.setattr(_causal_structure, "MAX_CANDIDATES", 2)
    monkeypatch.setattr(
        _causal_structure._Search,
        "_measure",
        lambda self, *args: counted.append(args) or measure(self, *args),
    )

    structure = learn(frame)

    assert max(len(parents) for parents in structure.values()) <= 3
    assert all(len(parents) <= 2 for parents in structure.values())
    assert len(counted) < 6 + 6 * 5 + 6 * 4  # none, one, and at most two of two


@pytest.mark.parametrize("n_rows", [0, 1, 2, 7])
def test_few_rows_and_missing_values(n_rows):
    frame = make_collider(7).iloc[::-1].reset_index(drop=True)
    frame.loc[::3, "visit"] = np.nan
    frame["lonely"] = frame["lonely"].where(frame.index % 2 == 0)
    schema = TableSchema.learn(frame)
    codes = schema.encode(schema.read(frame))[:n_rows]
    columns = {column.name: column for column in schema.columns}

    structure = learn_structure(codes, columns)

    assert list(structure) == list(frame.columns)
    assert find_cycle(structure) == []


def test_missing_values_can_depend_on_another_column():
    frame = make_collider(1000)
    frame["visit"] = frame["visit"].where(frame["lonely"] != "u")

    assert frozenset({"lonely", "visit"}) in skeleton(learn(frame))


def test_score_is_that_of_bic():
    """A coin and a copy of it: one edge of log(2) per row, for one parameter more."""
    bins = [np.array([0, 1] * 8), np.array([0, 1] * 8)]
    search = _causal_structure._Search(bins)

    gain = search._gain(((1, frozenset([0])),), {1: frozenset()})

    assert gain == pytest.approx(16 * np.log(2) - np.log(16) / 2)


def test_asia_tables_give_the_known_graph(shared_data):
    """All rows of the small splits: 475, of which no one has been to Asia to matter."""
    folder = shared_data / "mallm_gan_splits"
    parts = [f"asia{n}_{part}.csv.gz" for n in (50, 25) for part in ("test", "train")]
    frame = pd.concat([pd.read_csv(folder / part) for part in parts])
    known = {
        ("tuberculosis", "either tuberculosis or lung cancer"),
        ("lung cancer", "either tuberculosis or lung cancer"),
        ("either tuberculosis or lung cancer", "chest X-ray"),
        ("either tuberculosis or lung cancer", "Dyspnea"),
        ("bronchitis", "Dyspnea"),
        ("smoke", "lung cancer"),
        ("smoke", "bronchitis"),
        ("visit to Asia", "tuberculosis"),
    }

    found = edges(learn(frame.reset_index(drop=True)))

    assert found <= known
    assert len(found) >= 6


def test_cycles_are_found():
    assert find_cycle({"a": ["b"], "c": ["a"], "b": []}) == []
    cycle = find_cycle({"d": [], "a": ["b"], "b": ["c"], "c": ["d", "a"]})
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    assert find_cycle({"a": ["a"]}) == ["a", "a"]
