"""The methods that the paper's tables compare, by name, all through the same door.

Every generator draws inside `TeamThenTrimSampler`; whatever is not ours is untrimmed.
"""

import importlib
import os
import warnings
from dataclasses import dataclass

import numpy as np
from _peers import PEERS, is_installed, make_peer, tell_missing
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from sklearn.exceptions import ConvergenceWarning

import t2sampler.generators
from t2sampler import TeamThenTrimSampler, paper_protocol
from t2sampler.exceptions import ChatError, GeneratorError, QuotaNotMetWarning
from t2sampler.generators import StatisticalTeam, from_sampler, from_synthesizer

REAL_ONLY = "real only"
LANGUAGE_MODELS = "language models"
OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
PAPER_MODEL = "llama-3.3-70b-instruct"  # the main one of the paper
KEYS = ("OPENAI_BASE_URL", "OPENAI_API_KEY")
TRIMS = ("untrimmed", "default trim", "paper_protocol")


@dataclass(frozen=True)
class Order:
    """What a table wants of every method.

    Attributes
    ----------
    strategy : float, str, dict or callable
        As ``sampling_strategy``.
    n_batches, batch_size : int
        Of `paper_protocol`, which has no strategy.
    seed : int
    context : str
        What a team of language models is told about the table.
    new_classes : dict or None
        Rows per label that no real row has, for a team of language models.
    is_stored : bool
        Whether answers of language models may come from the store on this computer,
        which spares tokens and hides what rows cost.
    """

    strategy: object
    n_batches: int
    batch_size: int
    seed: int
    context: str = ""
    new_classes: dict | None = None
    is_stored: bool = True


def untrimmed(generator, order, **more):
    """Return a sampler that keeps whatever a generator draws, and no other row."""
    return TeamThenTrimSampler(
        generator,
        sampling_strategy=order.strategy,
        on_shortfall="warn",
        random_state=order.seed,
        **OFF,
        **more,
    )


def _paper(order, generator=None, **more):
    return paper_protocol(
        generator,
        n_batches=order.n_batches,
        batch_size=order.batch_size,
        random_state=order.seed,
        **more,
    )


def _smote_for(X):
    """Return SMOTE, or SMOTENC where the table holds categories."""
    return SMOTE() if X.select_dtypes(exclude="number").empty else SMOTENC("auto")


def make_chat(model):
    """Return the settings of a language model at OPENAI_BASE_URL, or at OpenAI."""
    return importlib.import_module("t2sampler.llm").ChatModel(model)


def name_language_models(model):
    """Return the names of the three rows of a team of language models."""
    return [f"{model}, {trim}" for trim in TRIMS]


def _language_models(name, order):
    """Return the sampler of one of these rows."""
    model, trim = name.rsplit(", ", 1)
    team = t2sampler.generators.LLMTeam(
        make_chat(model), context=order.context, store=order.is_stored
    )
    new = {"new_classes": order.new_classes}
    if trim == "paper_protocol":
        return _paper(order, team, **new)
    if trim == "untrimmed":
        return untrimmed(team, order, **new)
    return TeamThenTrimSampler(
        team, sampling_strategy=order.strategy, random_state=order.seed, **new
    )


def _peer(name):
    """Return the maker of a sampler around a peer."""
    return lambda X, order: untrimmed(
        from_synthesizer(make_peer(name, order.seed)), order
    )


METHODS = {  # name: function of the real rows and the order, None: they stay alone
    REAL_ONLY: None,
    "random over-sampling": lambda X, order: untrimmed(
        from_sampler(RandomOverSampler()), order
    ),
    "SMOTE": lambda X, order: untrimmed(from_sampler(_smote_for(X)), order),
    "ADASYN": lambda X, order: untrimmed(from_sampler(ADASYN()), order),
    "smoothed bootstrap": lambda X, order: untrimmed(
        from_sampler(RandomOverSampler(shrinkage=1.0)), order
    ),
    "team, untrimmed": lambda X, order: untrimmed(StatisticalTeam(), order),
    "team, default trim": lambda X, order: TeamThenTrimSampler(
        sampling_strategy=order.strategy, random_state=order.seed
    ),
    "team, paper_protocol": lambda X, order: _paper(order),
    **{name: _peer(name) for name in PEERS},
}


def find_obstacles():
    """Return why a method cannot run here, by its name."""
    obstacles = {name: tell_missing(name) for name in PEERS if not is_installed(name)}
    if not any(map(os.environ.get, KEYS)):
        obstacles[LANGUAGE_MODELS] = (
            "skipped language models: neither OPENAI_BASE_URL nor OPENAI_API_KEY is set"
        )
    return obstacles


def make_sampler(name, X, order):
    """Return the sampler of a method; None for real rows alone."""
    if name == REAL_ONLY:
        return None
    is_offline = name in METHODS
    return METHODS[name](X, order) if is_offline else _language_models(name, order)


def add_rows(name, X, y, order):
    """Return ``X`` and ``y`` with a method's rows, and which rows are the method's.

    Where a method cannot draw (SMOTE needs two rows of a class, ADASYN and the smoothed
    bootstrap need numbers), the real rows come back alone.
    """
    return resample(make_sampler(name, X, order), X, y)


def resample(sampler, X, y):
    """Return what `add_rows` does, by a sampler."""
    nothing = X, y, np.zeros(len(X), dtype=bool)
    if sampler is None:
        return nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuotaNotMetWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            X_new, y_new = sampler.fit_resample(X, y)
        except ChatError:
            raise  # an endpoint that fails says nothing about the method
        except GeneratorError:
            return nothing
    return X_new, y_new, sampler.synthetic_mask_
