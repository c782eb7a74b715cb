"""Every error and warning this package defines.

T2SamplerError
├── SchemaError (ValueError)      a table, or a value in it, cannot be handled
├── ConstraintError (ValueError)  a rule cannot be read or does not fit the table
├── PlanError (ValueError)        a plan is no partition of the columns, or has a cycle
├── GeneratorError                a generator cannot do, or did not do, what was asked
└── QuotaNotMetError              fewer rows than asked, under ``on_shortfall="raise"``

T2SamplerWarning (UserWarning)
├── QuotaNotMetWarning            fewer generated rows were accepted than asked for
└── BrokenRuleWarning             real rows break a rule the user gave

Wrong parameter values stay plain ``ValueError`` and ``TypeError``. Whoever catches
`T2SamplerError` catches all of the above errors::

    try:
        X_res, y_res = sampler.fit_resample(X, y)
    except T2SamplerError as error:
        print(error)
"""


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


class QuotaNotMetError(T2SamplerError):
    """Fewer rows were accepted than asked for, and the caller wanted an error."""


class T2SamplerWarning(UserWarning):
    """Catch this to catch every warning defined here."""


class QuotaNotMetWarning(T2SamplerWarning):
    """Fewer generated rows were accepted than asked for."""


class BrokenRuleWarning(T2SamplerWarning):
    """Real rows break a rule the user gave: doubt the rule, not the rows."""
