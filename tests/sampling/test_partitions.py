"""Rows in files: the same however they are written, and exactly as many as asked."""

import sys

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from doubles.sampler_runs import OFF, may_fall_short

from t2sampler import TeamThenTrimSampler, draw_partitions
from t2sampler._records import FATES, Batch
from t2sampler.exceptions import (
    GeneratorError,
    QuotaNotMetError,
    QuotaNotMetWarning,
    SchemaError,
)
from t2sampler.filters import BaseFilter, Verdict
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.sampling._partitions import plan_parts, split_rows
from t2sampler.testing import RepeatRows, ScriptedChat


class Silent(RepeatRows):
    """Draw nothing."""

    def draw(self, requests):
        return iter(())


class Paid(RepeatRows):
    """Say that rows were paid for."""

    usage_ = pd.DataFrame()


class OneRow(RepeatRows):
    """Draw one row over and over."""

    def draw(self, requests):
        for request in requests:
            columns = {"a": ["v"] * request.n_rows, "b": ["r"] * request.n_rows}
            yield Batch(request.index, pd.DataFrame(columns), pd.Series(request.labels))


class FailsLater(RepeatRows):
    """Draw rows until a file says stop."""

    n_fits = 0
    stop_at = None

    def fit(self, X, y, schema=None):
        type(self).n_fits += 1
        return super().fit(X, y, schema)

    def draw(self, requests):
        for batch in super().draw(requests):
            if batch.index == type(self).stop_at:
                raise KeyboardInterrupt
            yield batch


class KeepNone(BaseFilter):
    """Trim every candidate of the class "yes"."""

    def _fit(self, rows):
        self.code_ = rows.schema.target.encode(pd.Series(["yes"]))[0]

    def _inspect(self, rows, batch):
        keep = rows.labels != self.code_
        return Verdict(keep, np.where(keep, "", "a yes").astype(object))


KINDS = {"id": "id", "ticket": "id"}


def make_sampler(generator=None, **settings):
    team = RepeatRows() if generator is None else generator
    given = {**OFF, "column_kinds": KINDS, "batch_size": 7, "random_state": 3}
    return TeamThenTrimSampler(team, **{**given, **settings})


def make_table(n_rows=30):
    """Return rows of many dtypes in no order, a third of them "yes"."""
    rng = np.random.default_rng(5)
    ids = rng.permutation(n_rows)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows).astype("float32"),
            "id": ids + 500,
            "count": pd.array([None, *rng.integers(0, 9, n_rows - 1)], "Int16"),
            "ticket": [f"T-{i:03d}" for i in ids],
            "kind": pd.Categorical(rng.choice(["v", "u"], n_rows), ["u", "v"]),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(ids, unit="D"),
            "is_paid": rng.random(n_rows) < 0.5,
        }
    )
    y = pd.Series(np.where(ids % 3 == 0, "yes", "no"), name="ill")
    return X.sample(frac=1, random_state=1), y.sample(frac=1, random_state=1)


def write(folder, n_rows=100, sampler=None, *, rows_per_partition=40, **settings):
    X, y = make_table()
    return draw_partitions(
        make_sampler() if sampler is None else sampler,
        *(X, y, n_rows, folder),
        rows_per_partition=rows_per_partition,
        **settings,
    )


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_hold_new_rows_as_the_user_stores_them(tmp_path):
    X, y = make_table()
    parts = write(tmp_path)
    rows = pd.read_parquet(tmp_path)

    assert len(rows) == parts["rows"].sum() == parts["accepted"].sum() == 100
    assert rows.drop(columns="ill").dtypes.equals(X.dtypes)
    assert rows["ill"].dtype == y.dtype
    assert rows.index.tolist() == list(range(100))
    assert rows["id"].tolist() == list(range(530, 630))
    assert rows["ticket"].tolist() == [f"T-{i:03d}" for i in range(30, 130)]
    assert [*parts.index] == sorted(read_files(tmp_path))
    assert (parts["drawn"] == parts[[*FATES[1:]]].sum(axis=1)).all()


def test_each_file_has_the_mix_of_the_real_rows(tmp_path):
    parts = write(tmp_path, 103)

    counts = [
        pd.read_parquet(tmp_path / name)["ill"].value_counts() for name in parts.index
    ]

    assert sum(counts).to_dict() == {"no": 69, "yes": 34}
    assert all(abs(count["no"] - 2 * count["yes"]) <= 3 for count in counts)


def test_each_file_has_the_mix_asked_for(tmp_path):
    write(tmp_path, 51, class_shares={"yes": 0.75, "no": 0.25})

    counts = pd.read_parquet(tmp_path)["ill"].value_counts()
    assert counts.to_dict() == {"yes": 38, "no": 13}


@pytest.mark.parametrize(("quotas", "n_each"), [([7, 0, 100], 9), ([1, 1], 50)])
def test_parts_add_up(quotas, n_each, tmp_path):
    parts = plan_parts(quotas, n_each, tmp_path)

    sums = [sum(part.quotas[label] for part in parts) for label in range(len(quotas))]
    assert sums == quotas
    starts = np.cumsum([0, *(part.n_rows for part in parts)])
    assert [part.n_before for part in parts] == starts[:-1].tolist()
    assert max(part.n_rows for part in parts) <= n_each + len(quotas)


def test_shares_give_whole_rows():
    rng = np.random.default_rng(0)
    for n_rows in (1, 10, 10**9 - 1):
        shares = rng.dirichlet(np.ones(7))
        counts = split_rows(n_rows, shares)
        assert sum(counts) == n_rows
        assert np.abs(counts - n_rows * shares).max() < 1


def test_files_do_not_depend_on_who_writes_them(tmp_path):
    for name, backend in {"one": "sequential", "many": "threading"}.items():
        with joblib.parallel_config(backend, n_jobs=3):
            sampler = make_sampler(StatisticalTeam(), cost=None, diversity=None)
            write(tmp_path / name, 40, sampler, rows_per_partition=20)

    assert read_files(tmp_path / "one") == read_files(tmp_path / "many")


def test_files_differ(tmp_path):
    write(tmp_path)
    parts = [pd.read_parquet(path)["size"] for path in sorted(tmp_path.iterdir())]

    assert not any(np.array_equal(parts[0], part) for part in parts[1:])


def test_a_stopped_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(FailsLater, "n_fits", 0)
    sampler = make_sampler(FailsLater())
    write(tmp_path / "whole", sampler=sampler)
    monkeypatch.setattr(FailsLater, "stop_at", 400)  # in the third file
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "part", sampler=sampler)
    n_written = len(read_files(tmp_path / "part"))
    first = tmp_path / "part" / "part-00000.parquet"
    written_at = first.stat().st_mtime_ns
    monkeypatch.setattr(FailsLater, "stop_at", None)
    write(tmp_path / "part", sampler=sampler)
    write(tmp_path / "part", sampler=sampler)  # nothing is left, nothing is fitted

    assert n_written == 2
    assert first.stat().st_mtime_ns == written_at
    assert read_files(tmp_path / "part") == read_files(tmp_path / "whole")
    assert FailsLater.n_fits == 3


def test_no_half_file_stays(tmp_path, monkeypatch):
    to_parquet = pd.DataFrame.to_parquet

    def write_half(frame, path, **settings):
        to_parquet(frame.head(3), path, **settings)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", write_half)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path)
    draft = tmp_path / ".ab12-part-00001.parquet"  # what a killed process leaves
    draft.write_bytes(b"PAR1")
    assert read_files(tmp_path).keys() == {draft.name}

    assert write(tmp_path)["rows"].sum() == 100
    assert not draft.exists()


def test_a_run_without_a_seed_goes_on_with_its_own(tmp_path):
    sampler = make_sampler(random_state=None)
    write(tmp_path, sampler=sampler)
    before = read_files(tmp_path)
    (tmp_path / "part-00001.parquet").unlink()
    write(tmp_path, sampler=sampler)
    write(tmp_path / "other", sampler=sampler)

    assert read_files(tmp_path / "other") != before
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"random_state": 4}, id="seed"),
        pytest.param({"batch_size": 8}, id="settings"),
        pytest.param({"sanity": None}, id="a filter"),
        pytest.param({"generator": StatisticalTeam()}, id="a generator"),
    ],
)
def test_a_folder_of_other_settings_is_refused(tmp_path, change):
    write(tmp_path)

    with pytest.raises(ValueError, match=r"part-00000\.parquet, which is not of this"):
        write(tmp_path, sampler=make_sampler(**change))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"n_rows": 101}, id="rows"),
        pytest.param({"rows_per_partition": 41}, id="rows per file"),
        pytest.param({"provenance": True}, id="columns"),
        pytest.param({"class_shares": {"no": 0.5, "yes": 0.5}}, id="shares"),
    ],
)
def test_a_folder_of_other_numbers_is_refused(tmp_path, change):
    write(tmp_path)

    with pytest.raises(ValueError, match="Name an empty folder"):
        write(tmp_path, **change)


def test_a_folder_of_another_table_is_refused(tmp_path):
    X, y = make_table()
    write(tmp_path)
    X.iloc[17, 0] += 1

    with pytest.raises(ValueError, match="not of this run"):
        draw_partitions(make_sampler(), X, y, 100, tmp_path, rows_per_partition=40)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet"])
def test_a_folder_with_files_of_others_is_refused(tmp_path, content):
    (tmp_path / "other.parquet").write_bytes(content)

    with pytest.raises(ValueError, match=r"other\.parquet, which is damaged, or no"):
        write(tmp_path)
    assert len(read_files(tmp_path)) == 1


def test_what_does_not_shape_rows_does_not_matter(tmp_path):
    X, y = make_table()
    write(tmp_path)
    stored = pd.concat([X[[name]].copy() for name in X], axis=1)  # other blocks
    sampler = make_sampler(verbose=1, n_jobs=2, memory=tmp_path / "fits")
    parts = draw_partitions(
        sampler, stored, list(y), 100, tmp_path / "list", rows_per_partition=40
    )
    draw_partitions(sampler, stored, y, 100, tmp_path, rows_per_partition=40, n_jobs=2)

    assert parts["rows"].tolist() == [33, 33, 34]
    assert not hasattr(sampler, "generator_")
    assert len([*(tmp_path / "fits").rglob("output.pkl")]) == 1


def test_missing_rows_are_repeated_and_told_once(tmp_path):
    sampler = make_sampler(sanity=KeepNone(), max_batches=9)
    with pytest.warns(QuotaNotMetWarning, match="Class yes: expected 33") as caught:
        parts = write(tmp_path, sampler=sampler, provenance=True)

    rows = pd.read_parquet(tmp_path)
    X, _ = make_table()
    repeated = rows[rows["t2sampler_origin"] == "bootstrap"]
    assert len(caught) == 1
    assert len(rows) == parts["rows"].sum() == 100
    assert len(repeated) == parts["repeated"].sum() == 33
    assert set(repeated["size"]) <= set(X["size"])
    first, second = (
        rows.loc[:39].query("ill == 'yes'")["t2sampler_source"].tolist()
        for rows in (rows, rows.loc[40:].reset_index())
    )
    assert first != second


@may_fall_short
def test_missing_rows_are_left_out(tmp_path):
    sampler = make_sampler(sanity=KeepNone(), max_batches=9, on_shortfall="warn")
    parts = write(tmp_path, sampler=sampler)

    rows = pd.read_parquet(tmp_path)
    assert len(rows) == parts["rows"].sum() == 67
    assert parts["missing"].sum() == 33
    assert rows.index.is_unique
    assert rows["id"].is_unique


def test_missing_rows_are_an_error(tmp_path):
    sampler = make_sampler(sanity=KeepNone(), max_batches=9, on_shortfall="raise")

    with pytest.raises(QuotaNotMetError, match="Class yes"):
        write(tmp_path, sampler=sampler)


def test_a_generator_that_gives_nothing(tmp_path):
    with pytest.warns(QuotaNotMetWarning, match="repeated"):
        parts = write(tmp_path, 12, make_sampler(Silent()))

    assert parts["repeated"].tolist() == [12]


def test_provenance(tmp_path):
    write(tmp_path / "plain")
    write(tmp_path / "told", provenance=True)

    rows, plain = (
        pd.read_parquet(tmp_path / "told"),
        pd.read_parquet(tmp_path / "plain"),
    )
    told = rows.filter(like="t2sampler_")
    assert rows.drop(columns=told.columns).equals(plain)
    assert set(told["t2sampler_origin"]) == {"generated"}
    assert told["t2sampler_batch"].nunique() > 100 // 7
    assert told["t2sampler_batch"].is_monotonic_increasing


@pytest.mark.parametrize("as_table", [np.asarray, pl.DataFrame, list])
def test_any_container_is_read(tmp_path, as_table):
    X, _ = make_table()
    X = X[["size", "count"]].astype(float)
    given = X.to_numpy().tolist() if as_table is list else as_table(X)
    y = [1, 0, 0] * 10
    draw_partitions(make_sampler(column_kinds=None), given, y, 9, tmp_path)

    rows = pd.read_parquet(tmp_path)
    assert rows["target"].tolist().count(1) == 3
    assert [*rows] == [*(X if as_table is pl.DataFrame else "01"), "target"]
    assert rows["target"].dtype == int


def test_language_models_are_refused_before_they_are_asked(tmp_path):
    team = LLMTeam(ScriptedChat(), store=False)

    with pytest.raises(GeneratorError, match="asks no language model"):
        write(tmp_path, sampler=make_sampler(team))


def test_any_generator_with_usage_is_refused(tmp_path):
    with pytest.raises(GeneratorError, match="share a budget"):
        write(tmp_path, sampler=make_sampler(Paid()))


def test_a_class_that_cannot_be_pickled_is_refused(tmp_path):
    class Local(RepeatRows):
        pass

    with pytest.raises(GeneratorError, match=r"Define them in a module.*Local"):
        write(tmp_path, sampler=make_sampler(Local()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampling_strategy": "all"}, "`sampling_strategy` of the sampler must be"),
        ({"new_classes": {"maybe": 5}}, "`new_classes` of the sampler must be None"),
        ({"n_batches": 4}, "`n_batches` of the sampler must be None"),
    ],
)
def test_settings_of_numbers_are_refused(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path, sampler=make_sampler(**settings))


def test_no_jobs_at_all_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"n_jobs.*Got 0"):
        write(tmp_path, n_jobs=0)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "shares",
    [{"no": 1, "yes": 1}, {"no": 1.2, "yes": -0.2}, {"no": 1, "maybe": 0}, {"no": "1"}],
)
def test_shares_that_are_none_are_refused(tmp_path, shares):
    with pytest.raises(ValueError, match="The labels are no, yes"):
        write(tmp_path, class_shares=shares)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("ill", range(30), id="the name of y"),
        pytest.param("t2sampler_batch", range(30), id="ours"),
        pytest.param("mixed", [*range(29), "x"], id="no one type"),
    ],
)
def test_what_parquet_cannot_hold_is_refused_before_any_work(tmp_path, name, values):
    X, y = make_table()
    X = X.assign(**{name: pd.Series([*values], dtype=object).to_numpy()})

    with pytest.raises(SchemaError, match=name):
        draw_partitions(make_sampler(FailsLater()), X, y, 10, tmp_path)


def test_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(ImportError, match=r"pip install 't2sampler\[parquet\]'"):
        write(tmp_path)


def test_a_filter_starts_anew_in_each_file(tmp_path):
    """What repeats within a file is trimmed; the same row may stand in another one."""
    X = pd.DataFrame({"a": ["u", "v", "w"] * 10, "b": ["r", "s"] * 15})
    y = [0, 1, 1] * 10

    sampler = TeamThenTrimSampler(
        OneRow(), **{**OFF, "diversity": None}, max_batches=9, random_state=0
    )
    with pytest.warns(QuotaNotMetWarning):
        parts = draw_partitions(sampler, X, y, 90, tmp_path, rows_per_partition=30)

    assert parts["accepted"].nunique() == 1
    assert 0 < parts["accepted"].iloc[0] < 30
