"""The filters of a run: what their user left open is completed by the sampler."""

import numpy as np
from sklearn.base import clone

from t2sampler.filters import QualityControl
from t2sampler.filters._sequence import FILTERS


def make_control(parts, rules, seed, twin):
    """Return the filters of a run, unfitted.

    Parameters
    ----------
    parts : dict of str to filter, "passthrough" or None
        As the sampler was given them; they are cloned.
    rules : sequence of rules
        Of the generator's plan: they are rules of the table, too.
    seed : int
        Of the run; each filter gets a seed of its own.
    twin : {"labels", "real"}
        What rows a cost filter compares a batch with.

    Returns
    -------
    control : QualityControl
    """
    parts = dict(parts)
    seeds = np.random.SeedSequence(seed).generate_state(len(FILTERS)).tolist()
    for name, own_seed in zip(FILTERS, seeds, strict=True):
        if isinstance(parts[name], str):
            continue
        part = parts[name]
        default = QualityControl._default_parts[name]
        part = default() if part is None else clone(part)
        parts[name] = _complete_params(part, random_state=own_seed, twin=twin)
    if not isinstance(parts["sanity"], str):
        _add_rules(parts["sanity"], rules)
    return QualityControl(**parts, random_state=0)  # each part has its own seed


def find_given_rules(sanity):
    """Return the rules that a user has given a sanity filter."""
    given = getattr(sanity, "constraints", None)
    return tuple(given) if isinstance(given, list | tuple) else ()


def _complete_params(part, **values):
    """Set parameters that a filter has and whose user left them open."""
    params = part.get_params(deep=False)
    is_open = {
        name: value
        for name, value in values.items()
        if name in params and params[name] in (None, "auto")
    }
    return part.set_params(**is_open)


def _add_rules(sanity, rules):
    """Put rules after those the filter has; one that it has already counts once."""
    given = sanity.get_params(deep=False).get("constraints", ())
    given = [given] if isinstance(given, str) else list(given or ())
    new = [rule for rule in rules if rule not in given]
    if new:
        sanity.set_params(constraints=[*given, *new])
