"""Tables of any container come back from the sampler, with their index."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from doubles.donors import ZONE
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

from t2sampler import TeamThenTrimSampler
from t2sampler._index import extend_index
from t2sampler.cli import main

pytestmark = pytest.mark.usefixtures("few_trees")


def make_weather(index):
    rng = np.random.default_rng(3)
    n_rows = len(index)
    X = pd.DataFrame(
        {
            "wind": rng.normal(9, 3, n_rows).round(1),
            "hpa": rng.integers(990, 1030, n_rows),
        },
        index=index,
    )
    y = pd.Series(rng.permutation(np.arange(n_rows) < n_rows // 4), index=X.index)
    return X, y.map({True: "storm", False: "calm"})


STATIONS = pd.MultiIndex.from_product([range(5), range(16)], names=["station", "hour"])
INDICES = {
    "hours": pd.date_range("2024-01-01", periods=80, freq="h"),
    "Berlin": pd.date_range("2024-03-30", periods=80, freq="h", tz=ZONE),
    "months": pd.period_range("2010-01", periods=80, freq="M"),
    "float": pd.Index(np.arange(80) / 2),
    "levels": pd.CategoricalIndex([f"buoy {i}" for i in range(80)]),
    "station, hour": STATIONS,
}


@pytest.mark.parametrize("name", INDICES)
def test_sampled_rows_have_labels_of_rows_of_their_class(name):
    order = np.random.default_rng(1).permutation(80)
    X, y = make_weather(INDICES[name][order])

    X_res, y_res = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert X_res.index.dtype == X.index.dtype
    assert X_res.index.names == X.index.names
    pd.testing.assert_frame_equal(X_res.iloc[:80], X)
    pd.testing.assert_index_equal(y_res.index, X_res.index)
    assert X_res.index[80:].isin(y.index[y == "storm"]).all()
    assert len(X_res.sort_index()) == len(X_res) == 120


def test_sampled_rows_of_named_rows_have_names_of_their_own():
    X, y = make_weather(pd.Index([f"obs-{i}" for i in range(80)][::-1], name="obs"))

    X_res, _ = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert X_res.index[80:].tolist() == [f"generated-{i}" for i in range(40)]
    assert X_res.index.name == "obs"


def test_a_step_behind_the_sampler_reads_the_hour_of_the_index():
    X, y = make_weather(INDICES["Berlin"])
    hour = FunctionTransformer(lambda frame: frame.assign(hour=frame.index.hour))
    trees = HistGradientBoostingClassifier(max_iter=3)

    model = make_pipeline(TeamThenTrimSampler(random_state=0), hour, trees).fit(X, y)

    assert model.predict(X).shape == (80,)


def test_the_command_line_keeps_the_times_of_a_parquet_file(tmp_path):
    X, y = make_weather(INDICES["hours"].rename("hour"))
    X.assign(kind=y).to_parquet(tmp_path / "in.parquet")

    files = [str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out.parquet")]
    main(["augment", *files, "--target", "kind"])

    written = pd.read_parquet(tmp_path / "out.parquet")
    assert written.index.dtype == X.index.dtype
    assert written.index.name == "hour"
    assert len(written) == 120
    assert written.index.isin(X.index).all()


def make_flats(n_rows=80):
    rng = np.random.default_rng(0)
    X = pl.DataFrame(
        {
            "rent": rng.normal(900, 150, n_rows).round(),
            "rooms": rng.integers(1, 6, n_rows),
            "town": rng.choice(["Ulm", "Kiel"], n_rows),
        }
    )
    gap = pl.when(pl.col("rooms") > 4).then(None).otherwise(pl.col("rooms"))
    since = pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(n_rows) * 7 % 31)
    X = X.with_columns(gap.alias("rooms"), since=since)
    y = rng.permutation(["no"] * 60 + ["yes"] * (n_rows - 60))
    return X.with_columns(pl.col("town").cast(pl.Enum(["Ulm", "Kiel", "Rom"]))), y


reads_names_of_polars = pytest.mark.skipif(
    not hasattr(
        StandardScaler().fit(pl.DataFrame({"a": [1.0, 2.0]})), "feature_names_in_"
    ),
    reason="this scikit-learn does not know this polars",
)


@reads_names_of_polars
@pytest.mark.parametrize("to", [pl.DataFrame, pl.DataFrame.to_arrow], ids=["pl", "pa"])
def test_a_table_of_polars_or_arrow_comes_back(to):
    X, y = make_flats()
    sampler = TeamThenTrimSampler(random_state=0)

    X_res, y_res = sampler.fit_resample(to(X), pl.Series("left", y))

    assert type(X_res) is type(to(X))
    assert X_res.schema == to(X).schema
    assert pl.DataFrame(X_res)[:80].equals(X)
    assert y_res.name == "left"
    assert y_res.value_counts()["count"].to_list() == [60, 60]
    assert sampler.feature_names_in_.tolist() == X.columns
    new = pl.DataFrame(X_res)[80:]
    assert new["rooms"].drop_nulls().is_in([1, 2, 3, 4]).all()
    assert set(new["town"]) == {"Ulm", "Kiel"}


@reads_names_of_polars
def test_a_pipeline_on_polars_encodes_by_name():
    X, y = make_flats()
    X = X.drop("since")
    encode = make_column_transformer(
        (OrdinalEncoder(), ["town"]), remainder="passthrough"
    ).set_output(transform="polars")
    trees = HistGradientBoostingClassifier(max_iter=3)

    model = make_pipeline(TeamThenTrimSampler(random_state=0), encode, trees).fit(X, y)

    assert model.predict(X).shape == (80,)
    assert model[0].feature_names_in_.tolist() == X.columns


@reads_names_of_polars
@pytest.mark.parametrize("whole", [True, False], ids=["pipeline", "scaler"])
def test_polars_output_of_the_step_before(whole):
    X, y = make_flats()
    trees = HistGradientBoostingClassifier(max_iter=3)
    model = make_pipeline(StandardScaler(), TeamThenTrimSampler(random_state=0), trees)
    (model if whole else model[0]).set_output(transform="polars")

    model.fit(X.select("rent"), y)  # names all the way: no warning

    assert model.predict(X.select("rent")).shape == (80,)
    assert trees.feature_names_in_.tolist() == ["rent"]


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
def test_a_sparse_matrix_comes_back_sparse(form):
    rng = np.random.default_rng(0)
    X = form(rng.integers(0, 5, (60, 3)) * (rng.random((60, 3)) < 0.3))
    y = rng.permutation([0] * 45 + [1] * 15)

    X_res, y_res = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert type(X_res) is type(X)
    assert X_res.dtype == X.dtype
    assert (X_res[:60] != X).nnz == 0
    assert np.bincount(y_res).tolist() == [45, 45]


def test_labels_of_persons_are_not_repeated():
    """Elsewhere labels that mean something are taken from a real row."""
    mails = [f"q{i}@post.example" for i in range(5)]
    donors = np.array([3, 0, 3])
    index = pd.MultiIndex.from_arrays(
        [mails, [7, 7, 9, 4, 4], list("abcab")], names=["contact", "patient_id", None]
    )

    new = extend_index(index, donors)[5:]
    one = extend_index(pd.CategoricalIndex(mails), donors)

    assert not new.get_level_values(0).isin(mails).any()
    assert new.get_level_values(1).tolist() == [10, 11, 12]
    assert new.get_level_values(2).tolist() == ["a", "a", "a"]
    assert not one[5:].isin(mails).any()
    assert isinstance(one, pd.CategoricalIndex)
    assert one[:5].tolist() == mails
