"""The same rows whichever backend of joblib runs the work."""

import joblib
import pytest
from doubles.sampler_runs import two_classes

from t2sampler import TeamThenTrimSampler, draw_partitions

SAMPLER = TeamThenTrimSampler(cost="passthrough", random_state=0)


def write(folder):
    X, y = two_classes()
    draw_partitions(SAMPLER, X, y, 90, folder, rows_per_partition=30)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture
def files(tmp_path):
    """Return what one worker writes, and a folder for others."""
    return write(tmp_path / "one"), tmp_path / "other"


def test_processes_write_the_same_files(files):
    expected, folder = files
    with joblib.parallel_config("loky", n_jobs=2):
        assert write(folder) == expected


def test_dask_writes_the_same_files(files):
    distributed = pytest.importorskip("distributed", reason="is an extra of tests")
    expected, folder = files
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        assert write(folder) == expected


def test_a_team_is_fitted_the_same_by_dask():
    distributed = pytest.importorskip("distributed", reason="is an extra of tests")
    X, y = two_classes()
    expected, _ = SAMPLER.fit_resample(X, y)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        X_res, _ = SAMPLER.fit_resample(X, y)

    assert X_res.equals(expected)
