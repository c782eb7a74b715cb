"""A number for a table and the questions asked about it."""

import hashlib
import json


def hash_run(team, frame, target):
    """Return a seed from the real rows and from all that shapes the questions.

    Neither the store nor the budget, and nothing of the filters, goes into it: the
    same question has the same answer, whatever becomes of it.

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
    people = sorted(
        ((name, _describe(worker)) for name, worker in workers.items()), key=repr
    )
    digest = hashlib.sha256(repr((look, settings, people)).encode())
    digest.update(_describe(team.chat).encode())
    digest.update(schema.encode(frame).tobytes())
    digest.update(schema.target.encode(target).tobytes())
    return int.from_bytes(digest.digest()[:7])


def _describe(worker):
    """Return what makes a worker's answers."""
    if hasattr(worker, "describe"):
        return json.dumps(worker.describe(), sort_keys=True, default=str)
    return repr(worker)
