"""Every error and warning this package defines.

T2SamplerError
├── SchemaError (ValueError)      a table, or a value in it, cannot be handled
├── ConstraintError (ValueError)  a rule cannot be read or does not fit the table
├── PlanError (ValueError)        a plan is no partition of the columns, or has a cycle
├── GeneratorError                a generator cannot do, or did not do, what was asked
│   ├── ChatError                 an endpoint refused, failed or cannot be reached
│   │   └── ContextOverflowError  the request does not fit the model's context
│   ├── BudgetError               the next call would pass the budget
│   └── ReplayError               only stored replies are wanted, and this is none
└── QuotaNotMetError              fewer rows than asked, under ``on_shortfall="raise"``

T2SamplerWarning (UserWarning)
├── QuotaNotMetWarning            fewer generated rows were accepted than asked for
├── SchemaWarning                 a column or a class is not generated as might be hoped
└── BrokenRuleWarning             real rows break a rule the user gave

Wrong parameter values stay plain ``ValueError`` and ``TypeError``. Whoever catches
`T2SamplerError` catches all of the above errors::

    try:
        X_res, y_res = sampler.fit_resample(X, y)
    except T2SamplerError as error:
        print(error)
"""

__all__ = [
    "BrokenRuleWarning",
    "BudgetError",
    "ChatError",
    "ConstraintError",
    "ContextOverflowError",
    "GeneratorError",
    "PlanError",
    "QuotaNotMetError",
    "QuotaNotMetWarning",
    "ReplayError",
    "SchemaError",
    "SchemaWarning",
    "T2SamplerError",
    "T2SamplerWarning",
]


class T2SamplerError(Exception):
    """Catch this to catch every error defined here."""


class SchemaError(T2SamplerError, ValueError):
    """A table, or a value in it, cannot be handled."""


class ConstraintError(T2SamplerError, ValueError):
    """A rule cannot be read, or names columns and levels the table does not have."""


class PlanError(T2SamplerError, ValueError):
    """A plan is no partition of the columns, or its components wait for each other."""


class GeneratorError(T2SamplerError):
    """A generator cannot do, or did not do, what was asked."""


class ChatError(GeneratorError):
    """An endpoint refused, failed after the retries, or cannot be reached.

    Attributes
    ----------
    is_fatal : bool
        True: no other call can succeed either (wrong key, unknown model, nobody
        answers). False: this call only.
    """

    def __init__(self, message: str, *, is_fatal: bool = False) -> None:
        super().__init__(message)
        self.is_fatal = is_fatal


class ContextOverflowError(ChatError):
    """The request does not fit the model's context: ask for less at once."""


class BudgetError(GeneratorError):
    """The next call would pass the budget; it was not made."""


class ReplayError(GeneratorError):
    """Only stored replies are wanted, and the store does not hold this one."""


class QuotaNotMetError(T2SamplerError):
    """Fewer rows were accepted than asked for, and the caller wanted an error."""


class T2SamplerWarning(UserWarning):
    """Catch this to catch every warning defined here."""


class QuotaNotMetWarning(T2SamplerWarning):
    """Fewer generated rows were accepted than asked for."""


class SchemaWarning(T2SamplerWarning):
    """New rows leave a column missing or number it on, or vary little."""


class BrokenRuleWarning(T2SamplerWarning):
    """Real rows break a rule the user gave: doubt the rule, not the rows."""
