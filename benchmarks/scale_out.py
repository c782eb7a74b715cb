"""Memory and time of `draw_partitions`, by number of rows and of workers.

No paper, no tokens. New rows of Adult (32,561 real rows) are written to Parquet by
processes on this machine. The memory of all processes together is looked at every half
second: each process counts what it shares with others by its part (PSS, from Linux).
``digest`` is a hash of all files: it is the same for any number of workers.

    python benchmarks/scale_out.py --rows 1e6 1e7 --workers 2 --out scale_out.csv

A million rows take some five minutes on one core. ``--quick`` takes half a minute.
"""

import argparse
import hashlib
import os
import tempfile
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import pandas as pd
from _tables import load_table
from joblib.externals.loky import get_reusable_executor

from t2sampler import TeamThenTrimSampler, draw_partitions

EVERY_S = 0.5
PER_PART = 100_000


class MemoryWatch(Thread):
    """Remember the most memory that this process and its children held, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.cpu_s = 0, {}
        self._is_over = Event()

    def run(self):
        """Look until `stop` is called."""
        while True:
            self.peak = max(self.peak, sum(map(self._look, list_tree(os.getpid()))))
            if self._is_over.wait(EVERY_S):
                return

    def stop(self):
        """End the watch; return the peak, and seconds of CPU time so far."""
        self._is_over.set()
        self.join()
        return self.peak, sum(self.cpu_s.values())

    def _look(self, pid):
        try:
            memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
            times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            return 0
        self.cpu_s[pid] = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        return 1024 * int(memory.split("\nPss:")[1].split()[0])


def list_tree(pid):
    """Return a process and all its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for path in children for child in path.read_text().split()]
    return [pid, *(other for child in found for other in list_tree(child))]


def measure(X, y, n_rows, n_workers, rows_per_partition):
    """Return figures of one run, whose files are deleted."""
    sampler = TeamThenTrimSampler(random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        watch = MemoryWatch()
        watch.start()
        start = perf_counter()
        parts = draw_partitions(
            *(sampler, X, y, n_rows, folder),
            rows_per_partition=rows_per_partition,
            n_jobs=n_workers,
        )
        seconds = perf_counter() - start
        peak, cpu_s = watch.stop()
        digest = hashlib.sha256()
        for path in sorted(Path(folder).iterdir()):
            digest.update(path.read_bytes())
    get_reusable_executor().shutdown(wait=True)  # the next run starts without workers
    return {
        "n_rows": int(parts["rows"].sum()),
        "n_workers": n_workers,
        "rows_per_file": rows_per_partition,
        "seconds": seconds,
        "cpu_seconds": cpu_s,
        "peak_mb": peak / 1e6,
        "n_trimmed": int(parts[["sanity", "cost", "diversity"]].to_numpy().sum()),
        "digest": digest.hexdigest()[:12],
    }


def main(argv=None):
    """Measure each pair of rows and workers, write the CSV and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scale_out.csv"))
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows-per-file", type=int, default=PER_PART)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    X, y = load_table("adult")
    if args.quick:
        X, y = X.iloc[:500], y.iloc[:500]
        args.rows, args.rows_per_file = [200], 100
    runs = [(int(n), workers) for n in args.rows for workers in args.workers]
    rows = []
    for n_rows, n_workers in runs:
        rows.append(measure(X, y, n_rows, n_workers, args.rows_per_file))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(args.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
