"""A seed made from the table and from all that shapes the prompts."""

import hashlib
import json


def seed_from_data(team, frame, target):
    """Return a seed from the real rows and from all that shapes the prompts.

    The store, the budget and the filters do not go into it: the same question has the
    same reply, whatever is done with the rows.

    Parameters
    ----------
    team : LLMTeam
        With ``schema_``.
    frame : DataFrame of shape (n_rows, n_features)
    target : Series of shape (n_rows,)

    Returns
    -------
    seed : int
    """
    schema = team.schema_
    look = [(c.name, c.kind, c.levels) for c in (*schema.columns, schema.target)]
    settings = [
        team.context,
        sorted((team.feature_descriptions or {}).items(), key=repr),
        str(team.examples),
        int(team.max_example_tokens),
        team.plan,
    ]
    workers = {None: team.label, **(team.workers or {}), "": team.manager}
    # By their text: names of any type have one, and need not compare.
    described = sorted(
        ((name, _describe(worker)) for name, worker in workers.items()), key=repr
    )
    digest = hashlib.sha256(repr((look, settings, described)).encode())
    digest.update(_describe(team.chat).encode())
    digest.update(schema.encode(frame).tobytes())
    digest.update(schema.target.encode(target).tobytes())
    return int.from_bytes(digest.digest()[:7])


def _describe(worker):
    """Return the settings on which a worker's rows depend, as text."""
    if hasattr(worker, "describe"):
        return json.dumps(worker.describe(), sort_keys=True, default=str)
    return repr(worker)
