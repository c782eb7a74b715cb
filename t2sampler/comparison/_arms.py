"""The arms of a comparison: what is done about rare classes before or after a fit."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
from sklearn.metrics import make_scorer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from threadpoolctl import threadpool_limits

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler._table import open_candidates
from t2sampler.comparison._learners import (
    Features,
    fit_predict,
    set_seed,
    weigh_classes,
)
from t2sampler.comparison._scores import balanced_accuracy
from t2sampler.exceptions import GeneratorError
from t2sampler.filters._sequence import FILTERS
from t2sampler.generators import from_sampler
from t2sampler.sampling import TeamThenTrimSampler

NOTHING, WEIGHTS, THRESHOLD = "nothing", "class weights", "tuned threshold"
REPEAT = "RandomOverSampler"
FREE = (NOTHING, WEIGHTS, THRESHOLD, REPEAT)
TRIMMED = "TeamThenTrimSampler"
UNTRIMMED = "TeamThenTrim, untrimmed"
N_INNER = 5  # folds of a training part by which the threshold is tuned
OFF = dict.fromkeys(FILTERS, "passthrough")


@dataclass(frozen=True)
class Study:
    """What all folds share.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        In the user's dtypes.
    codes : float ndarray of shape (n_rows, n_columns)
        By ``schema``.
    labels : int ndarray of shape (n_rows,)
        Codes of the classes; of two classes, 1 is the rarer.
    classes : ndarray of shape (n_classes,)
        The user's labels, by code.
    schema : TableSchema
        How cells are read; it knows no labels.
    learners, samplers : dict
        By name, in the order of the tables.
    may_fail : str
        The sampler that may be left out, with a note: the user has not asked for it.
    seed : int
    """

    frame: pd.DataFrame
    codes: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    schema: TableSchema
    learners: dict
    samplers: dict
    may_fail: str
    seed: int


@dataclass(frozen=True)
class Fold:
    """What became of one fold.

    Attributes
    ----------
    seed : int
    predictions : dict of (learner, arm) to Predictions
        Of the rows of the test fold.
    left_out : dict of arm to str
        Why an arm could not run.
    warned : list of (who, category, message)
    """

    seed: int
    predictions: dict = field(default_factory=dict)
    left_out: dict = field(default_factory=dict)
    warned: list = field(default_factory=list)


def make_smote(schema, kinds, n_rows):
    """Return SMOTE in the form that suits the columns, by name; or none, and why.

    `from_sampler` prepares the table as a user would have to: medians for missing
    numbers, and a level of its own for missing categories. A batch has ``n_rows``, so
    that all are drawn at once.
    """
    columns = [column for column in schema.columns if column.is_modelled]
    n_levels = sum(bool(column.levels) for column in columns)
    if not columns:
        return {}, "SMOTE is left out: no column holds numbers or categories."
    if n_levels == 0:
        smote = SMOTE()
    else:
        smote = SMOTEN() if n_levels == len(columns) else SMOTENC("auto")
    generator = from_sampler(smote, column_kinds=kinds)
    sampler = TeamThenTrimSampler(
        generator, column_kinds=kinds, batch_size=n_rows, **OFF
    )
    return {type(smote).__name__: sampler}, ""


def make_teams(kinds):
    """Return the sampler without and with its filters, which draw the same batches."""
    return {
        UNTRIMMED: TeamThenTrimSampler(column_kinds=kinds, **OFF),
        TRIMMED: TeamThenTrimSampler(column_kinds=kinds),
    }


def run_fold(study, index, train, test):
    """Fit every learner in every arm on the rows of one fold.

    Parameters
    ----------
    study : Study
    index : int
        Of the fold; it decides the seeds, so that folds can run in any order.
    train, test : int ndarray
        Positions of rows.
    """
    fold = Fold(fold_seed(study.seed, index))
    encoder = TableEncoder(study.schema).fit_codes(study.codes[train])
    rows, held_out = (
        Features(
            study.frame.iloc[places].reset_index(drop=True),
            encoder.transform_codes(study.codes[places]),
            study.labels[places],
        )
        for places in (train, test)
    )
    with threadpool_limits(1):  # so that sums do not depend on the number of jobs
        for learner, model in study.learners.items():
            seeded = set_seed(model, fold.seed)
            for arm, armed, weights in list_free(seeded, rows, fold.seed):
                with _Listener(fold, f"{learner}, {arm}"):
                    found = fit_predict(armed, rows, held_out, study.classes, weights)
                fold.predictions[learner, arm] = found
        for arm in study.samplers:
            drawn = _resample(study, fold, arm, rows, encoder)
            for learner, model in study.learners.items() if drawn is not None else ():
                seeded = set_seed(model, fold.seed)
                with _Listener(fold, f"{learner}, {arm}"):
                    found = fit_predict(seeded, drawn, held_out, study.classes)
                fold.predictions[learner, arm] = found
    return fold


def list_free(learner, rows, seed):
    """Yield the arms that need no rows: name, learner, parameter of weights."""
    yield NOTHING, learner, None
    weighted, parameter = weigh_classes(learner)
    if weighted is not None:
        yield WEIGHTS, weighted, parameter
    counts = np.bincount(rows.labels)
    if len(counts) == 2:
        inner = StratifiedKFold(
            min(N_INNER, counts.min()), shuffle=True, random_state=seed
        )
        tuned = TunedThresholdClassifierCV(
            learner, scoring=make_scorer(balanced_accuracy), cv=inner
        )
        yield THRESHOLD, tuned, None


def fold_seed(seed, index):
    """Return the seed of everything that is random in a fold."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0] >> 1)


def _resample(study, fold, arm, rows, encoder):
    """Return the rows that a sampler makes of training rows; None if it cannot."""
    sampler = set_seed(study.samplers[arm], fold.seed, deep=False)
    target = pd.Series(study.classes[rows.labels])
    try:
        with _Listener(fold, arm):
            X, y = sampler.fit_resample(rows.frame, target)
    except GeneratorError as error:
        if arm != study.may_fail:
            raise
        fold.left_out[arm] = str(error)
        return None
    except Exception as error:
        error.add_note(f"It was raised by the sampler {arm!r} on training rows.")
        raise
    made = open_candidates(X, y, study.schema, who=f"`compare`, of sampler {arm!r},")
    codes = {label: code for code, label in enumerate(study.classes.tolist())}
    labels = np.array([codes[label] for label in made.target.tolist()])
    return Features(X, encoder.transform_codes(made.codes), labels)


class _Listener(warnings.catch_warnings):
    """Note the warnings of a block: a worker's would be lost, or said many times."""

    def __init__(self, fold, who):
        super().__init__(record=True)
        self._fold, self._who = fold, who

    def __enter__(self):
        self._caught = super().__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self._fold.warned.extend(
            (self._who, warning.category, str(warning.message))
            for warning in self._caught
        )
