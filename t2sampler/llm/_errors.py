"""Say in one sentence what an endpoint did, and in another what to do. Pure."""

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._faults import Fault, Kind, RateLimited, TimedOut

NAME_KEY = (
    "No key was sent: give the name of the environment variable that holds it as "
    "`api_key_env`."
)
KEY_STATUSES = (401, 402, 403, 429)
CHECK_PLACE = "Check `model` and `base_url`, which mostly ends in /v1."
REMEDIES = {  # by status, then by kind
    401: "Check the key in the environment variable {variable}.",
    402: "Check the account of the key in the environment variable {variable}.",
    403: "Check the rights of the key in the environment variable {variable}.",
    404: CHECK_PLACE,
    429: "Check the account of the key in the environment variable {variable}.",
    200: CHECK_PLACE,
    Kind.UNREACHABLE: "Check `base_url`, and that the server runs.",
    Kind.TRANSIENT: "Raise `timeout` if it is slow, or run again later: what is in the "
    "store is not asked again.",
    Kind.REFUSED: "Check the settings of the model.",
    Kind.MOVED: "Give the address that is meant as `base_url`.",
    Kind.FATAL: CHECK_PLACE,
}
VERBS = {
    Kind.UNREACHABLE: "cannot be reached",
    Kind.TRANSIENT: "failed in {n_tries}",
    Kind.REFUSED: "refused the call",
    Kind.MOVED: "redirects the call",
    Kind.FATAL: "refused the call",
}
FATAL = (Kind.FATAL, Kind.UNREACHABLE, Kind.MOVED)


def to_error(
    fault: Fault,
    *,
    who: str,
    variable: str | None,
    max_tokens: int,
    n_tries: int,
    has_answered: bool,
) -> ChatError:
    """Return the error that a fault is to the caller.

    Parameters
    ----------
    fault : Fault
    who : str
        Model and endpoint, in words.
    variable : str or None
        Name of the environment variable that holds the key; None: no key was sent.
    max_tokens : int
        Most tokens that the reply was to have.
    n_tries : int
        Calls that were made.
    has_answered : bool
        Whether it ever answered: a refusal of the very first question will be that of
        all others.
    """
    words = f"({fault.words})"
    if fault.kind is Kind.RATE:
        return RateLimited(f"{who} takes no more calls {words}.", fault.retry_after)
    if fault.kind is Kind.TIMEOUT:
        return TimedOut(f"{who} gave {fault.words}.")
    if fault.kind is Kind.OVERFLOW:
        return ContextOverflowError(
            f"{who} cannot hold the request {words}. Lower `max_tokens` (now "
            f"{max_tokens}), `batch_size` or `examples`, or give the model a longer "
            "context."
        )
    is_first = not has_answered and (fault.kind is Kind.REFUSED or fault.status == 200)
    verb = VERBS[fault.kind].format(
        n_tries="1 try" if n_tries == 1 else f"{n_tries} tries"
    )
    return ChatError(
        f"{who} {verb} {words}. {_remedy(fault, variable)}",
        is_fatal=is_first or fault.kind in FATAL,
    )


def _remedy(fault: Fault, variable: str | None) -> str:
    """Say what the user can do."""
    if variable is None and fault.status in KEY_STATUSES:
        return NAME_KEY
    remedy = REMEDIES.get(fault.status, REMEDIES[fault.kind])
    return remedy.format(variable=variable)
