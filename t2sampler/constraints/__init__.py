"""Rules that each row of a table must obey.

A rule has a ``name`` (a sentence for reports) and a method ``holds(frame)`` that
returns one bool per row; any object with these two may be used. The rules below are
frozen records that numpy evaluates column by column. They can be written as JSON, and
never contain code to evaluate.

A missing value breaks no rule but `NotMissing`: the answer is then *unknown*, and
unknown passes, as in a CHECK of SQL. `AllOf`, `AnyOf` and `Implies` combine answers by
Kleene's logic. A cell that cannot be compared, such as text where a number belongs,
breaks the rule. Dates and durations count as seconds, dates without a time zone as UTC.
"""

from t2sampler.constraints._columns import Between, NotMissing, OneOf
from t2sampler.constraints._formulas import Elapsed, Product
from t2sampler.constraints._json import rules_from_json, rules_to_json
from t2sampler.constraints._linear import Linear
from t2sampler.constraints._logic import AllOf, AnyOf, Implies
from t2sampler.constraints._lookups import Bands, Lookup

__all__ = [
    "AllOf",
    "AnyOf",
    "Bands",
    "Between",
    "Elapsed",
    "Implies",
    "Linear",
    "Lookup",
    "NotMissing",
    "OneOf",
    "Product",
    "rules_from_json",
    "rules_to_json",
]
