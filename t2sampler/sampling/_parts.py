"""Make and fit the parts of a run: one generator, three filters."""

import numpy as np
from sklearn.base import clone

from t2sampler._params import draw_seed
from t2sampler.generators import StatisticalTeam

FILTERS = ("sanity", "cost", "diversity")


def fit_generator(sampler, table, schema):
    """Return the sampler's generator, cloned and fitted on real rows."""
    generator = sampler.generator
    if generator is None:
        generator = StatisticalTeam(n_jobs=sampler.n_jobs)
    generator = clone(generator, safe=False)
    generator.fit(table.frame, table.target, schema=schema)
    return generator


def choose_seed(sampler):
    """Return the run's seed; without ``random_state``, that of the generator if any.

    A generator that pays for its rows has one, made from the table and its settings,
    so that the same run again asks the same questions.
    """
    own_seed = getattr(sampler.generator_, "seed_", None)
    if sampler.random_state is None and own_seed is not None:
        return own_seed
    return draw_seed(sampler.random_state)


def fit_filters(sampler, table, seed):
    """Return the sampler's filters by name, fitted on real rows; None if off.

    The rules of the generator's plan are rules of the table, too.
    """
    plan = getattr(sampler.generator_, "plan_", None)
    filters = dict.fromkeys(FILTERS)
    seeds = np.random.SeedSequence(seed).generate_state(len(FILTERS)).tolist()
    for name, own_seed in zip(FILTERS, seeds, strict=True):
        part = getattr(sampler, name)
        if isinstance(part, str):
            continue
        part = sampler._default_parts[name]() if part is None else clone(part)
        _settle(part, own_seed, wants_labels=sampler.n_batches is None)
        if name == "sanity":
            _add_rules(part, getattr(plan, "rules", ()))
        filters[name] = part.fit(table.frame, table.target)
    return filters


def _add_rules(sanity, rules):
    """Put rules after those the filter has; one that it has already counts once."""
    given = sanity.get_params(deep=False).get("constraints", ())
    given = [given] if isinstance(given, str) else list(given or ())
    new = [rule for rule in rules if rule not in given]
    if new:
        sanity.set_params(constraints=[*given, *new])


def _settle(part, seed, wants_labels):
    """Fill in what a filter leaves open: its seed, and whom its twin resembles."""
    params = part.get_params(deep=False)
    if params.get("random_state", seed) is None:
        part.set_params(random_state=seed)
    if params.get("twin") == "auto":
        part.set_params(twin="labels" if wants_labels else "real")
