"""A seed made from the table and from all that shapes the prompts."""

import hashlib
import json

import numpy as np

# What is done with the replies, and how columns are seen, which the schema tells.
NOT_OF_PROMPTS = ("store", "budget", "mode", "min_level_rows", "column_kinds")


def seed_from_data(generator, frame, target):
    """Return a seed from the real rows and from all that shapes the prompts.

    The store, the budget and the filters do not go into it: the same question has the
    same reply, whatever is done with the rows.

    Parameters
    ----------
    generator : ChatGenerator
        With ``schema_``.
    frame : DataFrame of shape (n_rows, n_features)
    target : Series of shape (n_rows,)

    Returns
    -------
    seed : int
    """
    schema = generator.schema_
    look = [(c.name, c.kind, c.levels) for c in (*schema.columns, schema.target)]
    settings = {
        name: _describe(value)
        for name, value in generator.get_params(deep=False).items()
        if name not in NOT_OF_PROMPTS
    }
    digest = hashlib.sha256(repr((type(generator).__name__, look)).encode())
    digest.update(repr(sorted(settings.items())).encode())
    digest.update(schema.encode(frame).tobytes())
    digest.update(schema.target.encode(target).tobytes())
    return int.from_bytes(digest.digest()[:7])


def _describe(setting):
    """Return what a setting adds to the prompts, as text."""
    if hasattr(setting, "describe"):
        return json.dumps(setting.describe(), sort_keys=True, default=str)
    if isinstance(setting, dict):  # by their text: names of any type have one
        return repr(sorted((repr(k), _describe(v)) for k, v in setting.items()))
    return repr(setting.item() if isinstance(setting, np.generic) else setting)
