"""One fold: every learner is fitted in every arm, and predicts the test rows."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler._table import open_candidates
from t2sampler.comparison._arms import NOTHING, THRESHOLD, WEIGHTS
from t2sampler.comparison._learners import (
    Features,
    fit_predict,
    set_seed,
    weigh_classes,
)
from t2sampler.comparison._scores import Predictions, find_threshold
from t2sampler.exceptions import SchemaError, T2SamplerError

N_INNER = 5  # folds of the training rows on which a threshold is tuned


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
    judged : list of str
        Samplers that the verdict is about.
    seed : int
    """

    frame: pd.DataFrame
    codes: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    schema: TableSchema
    learners: dict
    samplers: dict
    judged: list
    seed: int


@dataclass(frozen=True)
class Fold:
    """What became of one fold.

    Attributes
    ----------
    seed : int
        Of everything that is random in it.
    predictions : dict of (learner, arm) to Predictions
        Of the test rows.
    left_out : dict of arm to str
        Why a sampler could not run.
    failed : dict of learner to str
        Why a learner could not.
    idle : set of str
        Samplers that returned the training rows as they are.
    warned : list of (who, category, message)
    """

    seed: int
    predictions: dict = field(default_factory=dict)
    left_out: dict = field(default_factory=dict)
    failed: dict = field(default_factory=dict)
    idle: set = field(default_factory=set)
    warned: list = field(default_factory=list)


def run_fold(study, index, train, test):
    """Return the `Fold` of some training and test rows.

    Parameters
    ----------
    study : Study
    index : int
        Of the fold; it decides the seed, so that folds can run in any order.
    train, test : int ndarray
        Positions of rows.
    """
    with threadpool_limits(1):  # so that sums do not depend on the number of jobs
        return _Run(study, index, train, test).fold


class _Run:
    def __init__(self, study, index, train, test):
        words = np.random.SeedSequence([study.seed, index]).generate_state(1)
        self.study, self.fold = study, Fold(int(words[0] >> 1))
        self.index = index
        self.encoder = TableEncoder(study.schema).fit_codes(study.codes[train])
        self.rows, self.held_out = (
            Features(
                study.frame.iloc[places].reset_index(drop=True),
                self.encoder.transform_codes(study.codes[places]),
                study.labels[places],
            )
            for places in (train, test)
        )
        learners = {
            name: set_seed(learner, self.fold.seed)
            for name, learner in study.learners.items()
        }
        for name, learner in learners.items():
            self.run_free(name, learner)
        for arm in study.samplers:
            rows = self.resample(arm)
            for name, learner in learners.items() if rows is not None else ():
                self.predict(name, arm, learner, rows)

    def predict(self, name, arm, learner, rows, weights=None):
        found = self.ask(
            (name, arm),
            lambda: fit_predict(
                learner, rows, self.held_out, self.study.classes, weights
            ),
        )
        if found is not None:
            self.fold.predictions[name, arm] = found

    def ask(self, place, call):
        """Return what a learner gives in an arm; None if it fails or has failed."""
        name, arm = place
        if name in self.fold.failed:
            return None
        try:
            with self.listen(f"{name}, {arm}"):
                return call()
        except Exception as error:
            why = f"in the arm {arm!r}, fold {self.index}: {_tell(error)}"
            self.fold.failed[name] = why
            if len(self.fold.failed) == len(self.study.learners):
                raise T2SamplerError(f"The learner {name!r} failed {why}") from error
        return None

    def run_free(self, name, learner):
        """Run the arms that need no other rows."""
        self.predict(name, NOTHING, learner, self.rows)
        weighted, weights = weigh_classes(learner)
        if weighted is not None:
            self.predict(name, WEIGHTS, weighted, self.rows, weights)
        if len(self.study.classes) == 2 and np.bincount(self.rows.labels).min() > 1:
            threshold = self.ask(
                (name, THRESHOLD), lambda: self.tune_threshold(learner)
            )
            if threshold is not None:
                p = self.fold.predictions[name, NOTHING].probabilities
                said = (p[:, 1] >= threshold).astype(int)
                self.fold.predictions[name, THRESHOLD] = Predictions(p, said)

    def tune_threshold(self, learner):
        """Return the threshold of the best balanced accuracy in inner folds.

        As `TunedThresholdClassifierCV`, which would fit the learner once more, and
        which refuses an inner fold in which the learner makes constant predictions.
        """
        labels = self.rows.labels
        inner = StratifiedKFold(
            min(N_INNER, np.bincount(labels).min()),
            shuffle=True,
            random_state=self.fold.seed,
        )
        p = np.empty(len(labels))
        for train, test in inner.split(labels, labels):
            parts = self.rows.take(train), self.rows.take(test)
            found = fit_predict(learner, *parts, self.study.classes)
            p[test] = found.probabilities[:, 1]
        return find_threshold(labels, p)

    def resample(self, arm):
        """Return the rows that a sampler makes of training rows; None if it cannot."""
        try:
            return self.make_rows(arm)
        except Exception as error:
            why = f"in fold {self.index}: {_tell(error)}"
            self.fold.left_out[arm] = why
            if any(name not in self.fold.left_out for name in self.study.judged):
                return None
            if isinstance(error, T2SamplerError):
                error.add_note(f"The sampler {arm!r} raised it in fold {self.index}.")
                raise
            raise T2SamplerError(f"The sampler {arm!r} failed {why}") from error

    def make_rows(self, arm):
        """Return the rows that a sampler makes, checked."""
        study = self.study
        sampler = set_seed(study.samplers[arm], self.fold.seed, deep=False)
        target = pd.Series(study.classes[self.rows.labels])
        with self.listen(arm):
            X, y = sampler.fit_resample(self.rows.frame, target)
        who = f"`compare`, of the sampler {arm!r},"
        made = open_candidates(X, y, study.schema, who=who)
        codes = {label: code for code, label in enumerate(study.classes.tolist())}
        unknown = [label for label in made.target.unique() if label not in codes]
        if unknown:
            raise SchemaError(
                f"The sampler {arm!r} must keep to the classes {[*codes]}, got "
                f"{unknown[0]!r}. Leave new classes out: no real row can test them."
            )
        labels = np.array([codes[label] for label in made.target.tolist()])
        made = Features(X, self.encoder.transform_codes(made.codes), labels)
        if np.array_equal(labels, self.rows.labels) and np.array_equal(
            made.matrix, self.rows.matrix
        ):
            self.fold.idle.add(arm)
        return made

    def listen(self, who):
        return _Listener(self.fold, who)


def _tell(error):
    """Return an error in one line."""
    if isinstance(error, T2SamplerError):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


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
