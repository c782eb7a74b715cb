"""Any number of new rows, as files that workers fill side by side."""

from math import ceil
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from pickle import PicklingError

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone

from t2sampler import __version__
from t2sampler._autologging import quiet_fits
from t2sampler._params import N_JOBS, Interval, draw_seed, validate_params
from t2sampler._storage import find_types, read_note
from t2sampler._table import Table
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import read_optional
from t2sampler.sampling._control import find_given_rules
from t2sampler.sampling._loop import batch_limit
from t2sampler.sampling._memory import fit_stored
from t2sampler.sampling._new_rows import note_columns, warn_of_few_rows
from t2sampler.sampling._part_worker import (
    COUNTS,
    Job,
    Part,
    join_columns,
    pack_job,
    write_part,
)
from t2sampler.sampling._progress import watch_files
from t2sampler.sampling._report import report_shortfall
from t2sampler.sampling._sampler import TeamThenTrimSampler

# Settings that no row depends on; the seed is told apart.
NOT_OF_ROWS = ("n_jobs", "memory", "verbose", "random_state")
REMEDY = (
    "The counts per file tell which filter trims most; raise `max_batches`, or make "
    "that filter laxer."
)


@quiet_fits
@validate_params(
    {
        "sampler": [TeamThenTrimSampler],
        "n_rows": [Interval(Integral, 1, None, closed="left")],
        "folder": [str, PathLike],
        "class_shares": [dict, None],
        "rows_per_partition": [Interval(Integral, 1, None, closed="left")],
        "provenance": ["boolean"],
        "n_jobs": N_JOBS,
    },
    prefer_skip_nested_validation=True,
)
def draw_partitions(
    sampler,
    X,
    y,
    n_rows,
    folder,
    *,
    class_shares=None,
    rows_per_partition=100_000,
    provenance=False,
    n_jobs=None,
):
    """Write any number of new rows that passed the filters, as a folder of Parquet.

    Generator and filters are fitted once. Each file is then filled by itself, from
    batches of its own, so that workers on one machine or on many write files side by
    side, a worker holds the rows of one file, and the rows are the same for any number
    of workers. A run that was stopped goes on where it is called again: files that are
    there are kept.

    Parameters
    ----------
    sampler : TeamThenTrimSampler
        Its settings; it is cloned. ``sampling_strategy``, ``new_classes`` and
        ``n_batches`` must be left at their defaults. ``max_batches`` and
        ``on_shortfall`` hold per file.
    X : dataframe, array, sparse matrix or list of shape (n_real, n_features)
    y : series, array or list of shape (n_real,)
    n_rows : int >= 1
        New rows in all files together, exactly.
    folder : path-like
        Is made if it is not there. Files are named part-00000.parquet and so on.
    class_shares : dict of label to float, default=None
        Shares of classes among the new rows, which sum to 1. None: those of the real
        rows.
    rows_per_partition : int >= 1, default=100000
        Rows per file, a few more or fewer. It decides which rows are drawn, and how
        much memory a worker takes.
    provenance : bool, default=False
        Whether to write the columns of ``provenance_``, too, with ``t2sampler_`` before
        their names.
    n_jobs : int, default=None
        Files that are filled at the same time, by joblib: None is 1 unless a
        `joblib.parallel_config` says otherwise, which also names the backend.

    Returns
    -------
    parts : DataFrame
        A row per file: its rows; its candidates by fate (drawn, refused, trimmed by
        "sanity", "cost" and "diversity", surplus, accepted); real rows "repeated", and
        rows "missing", under ``on_shortfall``.

    Raises
    ------
    ImportError
        pyarrow, the extra ``parquet``, is not installed.
    ValueError
        Settings contradict each other, or the folder holds files of another run: of
        another table, other settings, another seed or version.
    SchemaError
        The table cannot be used, or not be written as Parquet.
    GeneratorError
        The generator asks language models: workers do not share a budget. Or a part of
        the sampler cannot be pickled.
    QuotaNotMetError
        Too few rows of a file passed, under ``on_shortfall="raise"``.

    Warns
    -----
    QuotaNotMetWarning
        Fewer generated rows were accepted than asked for.
    SchemaWarning
        As `TeamThenTrimSampler` warns.

    See Also
    --------
    TeamThenTrimSampler.fit_resample : Rows that fit in memory, with a report.

    Notes
    -----
    Files hold new rows alone, in the dtypes of ``X`` and of ``y``, whose column is the
    last one, "target" if it has no name. Their index numbers all rows; ids go on from
    file to file. A filter sees the candidates of one file only: what repeats within a
    file is trimmed as ever, but a row may occur in several files, which
    `DiversityFilter` would trim in one run.

    With ``random_state=None`` a run that goes on takes the seed of the files there.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler, draw_partitions
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> y = pd.Series([0, 0, 0, 0, 1, 1], name="ill")
    >>> sampler = TeamThenTrimSampler(
    ...     cost="passthrough", diversity="passthrough", random_state=0
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     parts = draw_partitions(sampler, X, y, 90, folder, rows_per_partition=30)
    ...     rows = pd.read_parquet(folder)
    >>> parts["rows"].to_dict()
    {'part-00000.parquet': 30, 'part-00001.parquet': 30, 'part-00002.parquet': 30}
    >>> rows["ill"].value_counts().to_dict()
    {0: 60, 1: 30}
    """
    sampler = clone(sampler)
    _check_settings(sampler)
    table, rows = sampler._open(X, y)
    real = join_columns(table.frame, table.target)
    types = find_types(real)
    quotas = split_rows(n_rows, _read_shares(class_shares, rows.schema))
    note_columns(rows.schema, sampler.copy_text)
    warn_of_few_rows(
        rows.schema, dict(zip(rows.schema.n_per_label, quotas, strict=True))
    )
    folder = Path(folder).absolute()  # a worker may stand elsewhere
    folder.mkdir(parents=True, exist_ok=True)
    parts = plan_parts(quotas, rows_per_partition, folder)
    notes = _read_notes(folder)
    seed = _choose_seed(sampler.random_state, notes)
    sizes = [quotas, rows_per_partition, provenance]
    note = {"run": _identify(sampler, seed, real, sizes), "seed": seed}
    left = _find_left(parts, notes, note["run"])
    if left:
        is_shown = sampler.verbose > 0
        sampler.set_params(random_state=seed, verbose=0)
        job = _fit_job(
            sampler, table, rows, parts, provenance=provenance, types=types, note=note
        )
        _run(job, left, n_jobs, is_shown)
    return _add_up(rows.schema, parts)


def split_rows(n_rows, shares):
    """Return rows per class, in the shares and exactly ``n_rows``.

    Examples
    --------
    >>> split_rows(10, [0.55, 0.25, 0.2])
    [6, 2, 2]
    """
    exact = n_rows * np.asarray(shares, dtype=float)
    counts = np.floor(exact).astype(int)
    by_rest = np.argsort(counts - exact, kind="stable")
    counts[by_rest[: n_rows - counts.sum()]] += 1
    return counts.tolist()


def plan_parts(quotas, rows_per_part, folder):
    """Return the files: every class is spread over them evenly, to the row.

    Examples
    --------
    >>> [part.quotas for part in plan_parts([7, 2], 3, Path())]
    [{0: 2, 1: 0}, {0: 2, 1: 1}, {0: 3, 1: 1}]
    """
    n_parts = ceil(sum(quotas) / rows_per_part)
    parts, n_before = [], 0
    for number in range(n_parts):
        path = folder / f"part-{number:05d}.parquet"
        own = {
            label: n * (number + 1) // n_parts - n * number // n_parts
            for label, n in enumerate(quotas)
        }
        parts.append(Part(number, path, own, n_before))
        n_before += sum(own.values())
    return parts


def _run(job, parts, n_jobs, is_shown):
    """Have all files written."""
    packed = pack_job(job)
    paths = [part.path for part in parts]
    with watch_files(paths, is_shown):
        joblib.Parallel(n_jobs)(
            joblib.delayed(write_part)(packed, part) for part in parts
        )
    for draft in paths[0].parent.glob(".*-part-*.parquet"):  # of a run that was killed
        draft.unlink()


def _fit_job(sampler, table, rows, parts, **settings):
    """Fit generator and filters; return the job."""
    rows.given_rules = find_given_rules(sampler.sanity)
    generator = sampler._make_generator()
    _refuse_models(getattr(generator, "chat", None))
    generator = fit_stored(generator, rows, sampler.memory)
    _refuse_models(read_optional(generator, "usage_"))
    seed = draw_seed(sampler.random_state)
    most = max(part.n_rows for part in parts)
    return Job(
        sampler=sampler,
        table=Table(table.frame, table.target),
        rows=rows,
        generator=generator,
        control=sampler._make_control(generator, seed).fit(rows),
        seed=seed,
        n_batches=batch_limit(most, sampler.batch_size, sampler.max_batches),
        n_rows=parts[-1].n_before + parts[-1].n_rows,
        **settings,
    )


def _refuse_models(asked):
    if asked is not None:
        raise GeneratorError(
            "`draw_partitions` expected a generator that asks no language model, since "
            "workers cannot share a budget. Call `fit_resample`, or draw from a "
            "generator that is fitted on the rows a model has written."
        )


def _check_settings(sampler):
    """Refuse settings that say in another way how many rows are wanted."""
    defaults = {"sampling_strategy": "auto", "new_classes": None, "n_batches": None}
    for name, default in defaults.items():
        if getattr(sampler, name) != default:
            raise ValueError(
                f"`{name}` of the sampler must be {default!r}, got "
                f"{getattr(sampler, name)!r}. `n_rows` and `class_shares` say how many "
                "rows are drawn of each class."
            )


def _read_shares(given, schema):
    """Return the share of each class, in the order of the label codes."""
    if given is None:
        return np.array([*schema.n_per_label.values()]) / schema.n_rows
    unknown = [label for label in given if label not in schema.n_per_label]
    shares = [given.get(label, 0) for label in schema.n_per_label]
    are_shares = all(isinstance(share, Real) and share >= 0 for share in shares)
    if unknown or not are_shares or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            "`class_shares` must map labels of y to shares that sum to 1, got "
            f"{given!r}. The labels are {', '.join(map(str, schema.n_per_label))}."
        )
    return np.array(shares) / sum(shares)


def _read_notes(folder):
    """Return what is told about each file, by its name; None for files of others."""
    notes = {}
    for path in sorted(folder.glob("[!.]*.parquet")):
        try:
            notes[path.name] = read_note(path)
        except (OSError, ValueError):  # no Parquet file at all
            notes[path.name] = None
    return notes


def _choose_seed(random_state, notes):
    """Return the seed; without one, that of the files that are there."""
    if isinstance(random_state, Integral):
        return int(random_state)
    found = [note["seed"] for note in notes.values() if note is not None]
    return found[0] if random_state is None and found else draw_seed(random_state)


def _identify(sampler, seed, real, sizes):
    """Return a hash of all that the rows depend on."""
    settings = {
        name: value
        for name, value in sampler.get_params().items()
        if name.rpartition("__")[2] not in NOT_OF_ROWS
    }
    # By values: how a table is stored does not matter.
    cells = pd.util.hash_pandas_object(real, index=False).to_numpy()
    look = [(name, str(dtype)) for name, dtype in real.dtypes.items()]
    try:
        return joblib.hash([__version__, settings, seed, look, cells, sizes])
    except PicklingError as error:
        raise GeneratorError(
            "The parts of the sampler must be of classes that pickle finds by their "
            "names, so that workers can use them and a run can be told from others. "
            f"Define them in a module, outside functions: {error.args[0]}."
        ) from error


def _find_left(parts, notes, run):
    """Return the files that are not there; refuse a folder of another run."""
    numbers = {part.path.name: part.number for part in parts}
    for name, note in notes.items():
        if note is None:
            raise ValueError(
                f"{parts[0].path.parent} holds {name}, which is damaged, or no file of "
                "`draw_partitions`. Delete it, or name an empty folder."
            )
        if (note["run"], note["part"]) != (run, numbers.get(name)):
            raise ValueError(
                f"{parts[0].path.parent} holds {name}, which is not of this run: its "
                "table, settings, numbers of rows, seed or version of t2sampler are "
                "others. Name an empty folder, or delete the files."
            )
    return [part for part in parts if part.path.name not in notes]


def _add_up(schema, parts):
    """Return a row per file, and warn of rows that are missing in all of them."""
    notes = [read_note(part.path) for part in parts]
    counts = sum(np.array(note["classes"]) for note in notes)
    index = pd.Index(schema.target.levels, name="class")
    report_shortfall("warn", pd.DataFrame(counts, index, COUNTS), REMEDY)
    table = pd.DataFrame([note["fates"] for note in notes])
    for name in ("repeated", "missing"):
        place = COUNTS.index(name)
        table[name] = [sum(row[place] for row in note["classes"]) for note in notes]
    table.insert(0, "rows", table["accepted"] + table["repeated"])
    return table.set_axis(pd.Index([part.path.name for part in parts], name="file"))
