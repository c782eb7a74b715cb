"""How much may be spent."""

import uuid


class Budget:
    """Limit what the calls of a language model may take.

    Each call reserves what it can take at most until it is answered, so that calls in
    flight cannot pass a limit together. The call that would pass one is not made: the
    drawing ends there, and ``on_shortfall`` of the sampler decides what then. Stored
    replies are free.

    Parameters
    ----------
    max_tokens : int >= 0, default=None
        Most input and output tokens, together. None: no limit.
    max_cost : float >= 0, default=None
        Most money, in the currency of the model's ``prices``, which must be given.
    max_calls : int >= 0, default=None
        Most answers; a call that is tried again counts once.
    shared : bool, default=False
        False: for one fit. True: for all fits with this very budget and its copies
        together, in other processes too, as in a grid search; kept in the store.

    Examples
    --------
    >>> from t2sampler.llm import Budget
    >>> Budget(max_tokens=200_000, shared=True)
    Budget(max_tokens=200000, shared=True)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        max_calls: int | None = None,
        shared: bool = False,
    ) -> None:
        self.max_tokens = max_tokens
        self.max_cost = max_cost
        self.max_calls = max_calls
        self.shared = shared
        self._id = uuid.uuid4().hex

    def __repr__(self) -> str:
        limits = {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and value is not None and value is not False
        }
        return f"Budget({', '.join(f'{name}={v!r}' for name, v in limits.items())})"
