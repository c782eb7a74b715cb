"""The benchmarks of speed run as one, and CTGAN's time is reckoned from few epochs."""

import sys
from types import SimpleNamespace

import import_time
import numpy as np
import pandas as pd
import pytest
import scale_out
import speed
import speed_null
import speed_team
from _tables import load_table


def test_every_generator_is_timed_over_as_many_rows(shared_data):
    X, y = (part[:300] for part in load_table("adult"))

    for time in (speed_team.time_team, speed_team.time_smotenc):
        seconds, n_drawn = time(X, y, 200)

        assert seconds > 0
        assert n_drawn == 200


def test_batched_and_refitted_nulls_decide_alike():
    figures = speed_null.compare(
        n_rows=100, n_features=3, batch_size=10, n_draws=20, n_batches=3
    )

    assert figures["agreement"] == 1
    assert figures["tau_batched"] == pytest.approx(figures["tau_refit"], abs=0.02)
    assert min(figures["seconds_batched"], figures["seconds_refit"]) > 0


def make_times(version, forest, filters):
    """Return a part with a yardstick and one without."""
    rows = [
        ("a", speed.FOREST, 100, forest),
        ("a", "fit", 100, 6.0),
        ("b", "f", 9, filters),
    ]
    table = pd.DataFrame(rows, columns=[*speed.KEYS, "seconds"])
    return table.assign(version=version)


def test_steps_are_multiples_of_their_yardstick_and_the_least_time_counts():
    rounds = [("now", 2.0, 5.0), ("before", 1.0, 10.0), ("now", 3.0, 4.0)]

    table = speed.summarise(pd.concat(make_times(*times) for times in rounds))

    assert table["now", "seconds"].tolist() == [2, 6, 4]
    assert table["now", "yardsticks"].tolist()[:2] == [1, 3]
    assert table["before", "yardsticks"].tolist()[:2] == [1, 6]
    assert table["now", "yardsticks"].isna().tolist() == [False, False, True]
    assert table["before / now", ""].tolist() == [0.5, 1, 2.5]


def test_another_version_is_timed_with_its_own_package(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import t2sampler; print(t2sampler.WHO)")
    for name in ("earlier", "later"):
        (tmp_path / name / "t2sampler").mkdir(parents=True)
        (tmp_path / name / "t2sampler" / "__init__.py").write_text(f"WHO = {name!r}")

    said = [speed.run(tmp_path / name, script).strip() for name in ("later", "earlier")]

    assert said == ["later", "earlier"]


@pytest.mark.slow
def test_all_parts_run_and_are_written(shared_data, tmp_path):
    speed.main(["--quick", "--out", str(tmp_path / "speed.csv")])

    table = pd.read_csv(tmp_path / "speed.csv").set_index("part")
    assert list(table.index.unique()) == speed.PARTS
    assert (table["now, seconds"] > 0).all()
    assert table.loc["bulk", "now, memory"].notna().all()
    assert table.loc["adult", "now, yardsticks"].iloc[0] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_files_are_the_same_for_any_number_of_workers(shared_data, tmp_path):
    scale_out.main(["--quick", "--out", str(tmp_path / "scale_out.csv")])

    figures = pd.read_csv(tmp_path / "scale_out.csv")
    assert figures["n_rows"].tolist() == [200, 200]
    assert figures["digest"].nunique() == 1
    assert (figures["peak_mb"] > 50).all()


def test_all_epochs_are_reckoned_from_those_that_were_timed(monkeypatch):
    clock = [0.0]

    class Slow:  # 10 seconds to begin, 2 an epoch, 5 to draw
        def __init__(self, epochs):
            self.epochs = epochs

        def fit(self, frame, levels):
            clock[0] += 10 + 2 * self.epochs

        def sample(self, n_rows):
            clock[0] += 5
            return range(n_rows)

    monkeypatch.setattr(speed_team, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(
        speed_team.importlib, "import_module", lambda name: SimpleNamespace(CTGAN=Slow)
    )
    X, y = pd.DataFrame({"x": [1.0, np.nan]}), pd.Series([0, 1])

    assert speed_team.time_ctgan(X, y, 7) == (pytest.approx(10 + 2 * 300 + 5), 7)


def test_import_times_are_relative_to_the_first(monkeypatch, tmp_path):
    commands = {import_time.SMOTE: ("-c", "pass"), "--version": ("-m", "t2sampler")}
    monkeypatch.setattr(import_time, "COMMANDS", commands)

    import_time.main(["--runs", "1", "--out", str(tmp_path / "import_time.csv")])

    table = pd.read_csv(tmp_path / "import_time.csv", index_col="command")
    assert table.loc[import_time.SMOTE, "ratio"] == 1
    assert (table["seconds"] > 0).all()
