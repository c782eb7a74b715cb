"""Say in one sentence what an endpoint did, and in another what to do. Pure."""

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._faults import Fault, Kind, RateLimited

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
    Kind.FATAL: CHECK_PLACE,
}
VERBS = {
    Kind.UNREACHABLE: "cannot be reached",
    Kind.TRANSIENT: "failed in {n_tries}",
    Kind.REFUSED: "refused the call",
    Kind.FATAL: "refused the call",
}


def to_error(
    fault: Fault, *, who: str, variable: str, n_tries: int, has_answered: bool
) -> ChatError:
    """Return the error that a fault is to the caller.

    Parameters
    ----------
    fault : Fault
    who : str
        Model and endpoint, in words.
    variable : str
        Name of the environment variable that holds the key.
    n_tries : int
        Calls that were made.
    has_answered : bool
        Whether it ever answered: a refusal of the very first question will be that of
        all others.
    """
    words = f"({fault.words})"
    if fault.kind is Kind.RATE:
        return RateLimited(f"{who} takes no more calls {words}.", fault.retry_after)
    if fault.kind is Kind.OVERFLOW:
        return ContextOverflowError(
            f"{who} cannot hold the request {words}. Use smaller batches or fewer "
            "examples, or give the model a longer context."
        )
    is_first = not has_answered and (fault.kind is Kind.REFUSED or fault.status == 200)
    remedy = REMEDIES.get(fault.status, REMEDIES[fault.kind])
    verb = VERBS[fault.kind].format(
        n_tries="1 try" if n_tries == 1 else f"{n_tries} tries"
    )
    return ChatError(
        f"{who} {verb} {words}. {remedy.format(variable=variable)}",
        is_fatal=is_first or fault.kind in (Kind.FATAL, Kind.UNREACHABLE),
    )
