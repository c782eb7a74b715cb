"""The same rows whichever backend of joblib runs the work."""

import joblib
import pytest
from doubles.sampler_runs import OFF, two_classes

from t2sampler import TeamThenTrimSampler, draw_partitions

SAMPLER = TeamThenTrimSampler(**{**OFF, "sanity": None}, random_state=0)


def write(folder):
    X, y = two_classes()
    draw_partitions(SAMPLER, X, y, 50, folder, rows_per_partition=25)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return what one worker writes."""
    return write(tmp_path_factory.mktemp("one"))


@pytest.fixture
def scheduler():
    """Return the scheduler of two workers of Dask in this process."""
    distributed = pytest.importorskip("distributed", reason="is an extra of tests")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        host="127.0.0.1",
        protocol="tcp",
    )
    with cluster, distributed.Client(cluster):
        yield cluster.scheduler


@pytest.mark.slow  # processes start anew; threads are in `sampling/test_partitions.py`
def test_processes_write_the_same_files(tmp_path, files):
    with joblib.parallel_config("loky", n_jobs=2):
        assert write(tmp_path) == files


def test_dask_writes_the_same_files(tmp_path, files, scheduler):
    with joblib.parallel_config("dask"):
        assert write(tmp_path) == files
    assert scheduler.transition_counter > len(files)  # it was Dask that ran them


def test_dask_fits_the_same_team(scheduler):
    X, y = two_classes()
    with joblib.parallel_config("dask"):
        rows, _ = SAMPLER.fit_resample(X, y)

    assert rows.equals(SAMPLER.fit_resample(X, y)[0])
    assert scheduler.transition_counter > 0
