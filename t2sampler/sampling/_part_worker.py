"""What a worker does: fill one file of many, by parts that were fitted once."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from t2sampler._records import FATES
from t2sampler._storage import write_parquet
from t2sampler._table import Rows, Table
from t2sampler.exceptions import SchemaError
from t2sampler.filters import QualityControl
from t2sampler.generators._base import read_optional
from t2sampler.sampling._drawing import draw_waves
from t2sampler.sampling._loop import count_short
from t2sampler.sampling._new_rows import write_new_rows
from t2sampler.sampling._report import (
    build_provenance,
    collect_additions,
    count_classes,
    count_fates,
    repeat_rows,
    report_shortfall,
)
from t2sampler.sampling._sampler import TeamThenTrimSampler

PREFIX = "t2sampler_"  # of columns that tell where a row comes from
COUNTS = ["wanted", "generated", "repeated", "missing"]


@dataclass(frozen=True)
class Part:
    """One file: the rows it holds per label code, and how many precede them."""

    number: int
    path: Path
    quotas: dict[int, int]
    n_before: int

    @property
    def n_rows(self) -> int:
        """Rows in the file."""
        return sum(self.quotas.values())


@dataclass(frozen=True)
class Job:
    """What a worker needs beside the part: all of it is fitted once."""

    sampler: TeamThenTrimSampler  # its settings
    table: Table
    rows: Rows
    generator: Any
    control: QualityControl
    seed: int
    n_batches: int  # numbers of batches that a part may use
    n_rows: int
    provenance: bool
    types: Any
    note: dict[str, Any]


def pack_job(job):
    """Return a job as an array: loky shares it, Dask and Ray send it once."""
    packed = pickle.dumps(joblib.wrap_non_picklable_objects(job, keep_wrapper=False))
    return np.frombuffer(packed, dtype=np.uint8)


def write_part(packed, part):
    """Fill one file, by a job that `pack_job` has packed."""
    job = pickle.loads(memoryview(packed))  # a copy: filters remember candidates
    # The last bits of a product may depend on the number of threads.
    with threadpool_limits(1, user_api="blas"):
        frame, note = _fill(job, part)
    write_parquet(frame, part.path, job.types, {**job.note, **note})


def _fill(job, part):
    """Return the rows of a file, and what is told about them."""
    sampler, rows = job.sampler, job.rows
    quotas, first = part.quotas, part.number * job.n_batches
    waves = draw_waves(
        sampler, job.generator, job.control, quotas, job.seed, first=first
    )
    # A stream beyond those of the batches.
    stream = np.random.SeedSequence(job.seed, spawn_key=(2**32 + 2, part.number))
    seed = int(stream.generate_state(1)[0])
    short = count_short(quotas, waves)
    repeated = repeat_rows(sampler.on_shortfall, rows, short, seed)
    additions = collect_additions(waves, repeated, merge_twins=False)
    new = write_new_rows(
        job.table,
        rows,
        additions,
        seed,
        copy_text=sampler.copy_text,
        finds_donors=False,
        text_follows=read_optional(job.generator, "text_follows_"),
        place=(part.n_before, job.n_rows),
    )
    real = rows.target
    classes = count_classes(rows.schema, quotas, real, new.target, additions)[COUNTS]
    if sampler.on_shortfall == "raise":
        report_shortfall("raise", classes)
    frame = join_columns(*job.table.in_containers(new.frame, new.target))
    if job.provenance:
        origins = build_provenance(0, additions, new.donors).add_prefix(PREFIX)
        frame = pd.concat([frame.reset_index(drop=True), origins], axis=1)
    frame.index = pd.RangeIndex(part.n_before, part.n_before + len(frame))
    fates = count_fates(waves)[list(FATES)].sum().to_dict() if waves else {}
    return frame, {
        "part": part.number,
        "fates": {fate: int(fates.get(fate, 0)) for fate in FATES},
        "classes": classes.to_numpy().tolist(),
    }


def join_columns(frame, target):
    """Return a table with its labels last, and text as names, which Parquet needs."""
    joined = frame.set_axis([str(name) for name in frame.columns], axis=1)
    name = "target" if target.name is None else str(target.name)
    names = [*joined.columns, name]
    for name in names:
        if names.count(name) > 1 or name.startswith(PREFIX):
            raise SchemaError(
                f"Expected names of columns that differ as text, from the name of y, "
                f"too, and do not start with {PREFIX}, got {name!r}. Rename it."
            )
    return joined.assign(**{name: target.array})
