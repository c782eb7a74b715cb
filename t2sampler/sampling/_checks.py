"""What a run refuses before any work, and what a generator may hand back."""

from numbers import Integral

from t2sampler._schema import BLANK_KINDS
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import GeneratorError, SchemaError


def check_mode(n_batches, sampling_strategy, new_classes):
    """Refuse settings that contradict each other."""
    if n_batches is not None and sampling_strategy != "auto":
        raise ValueError(
            f"`sampling_strategy` must be 'auto' with `n_batches`, got "
            f"{sampling_strategy!r}. A fixed number of batches keeps all that passes; "
            "leave `n_batches` at None to ask for counts."
        )
    for label, n_rows in (new_classes or {}).items():
        if not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(
                f"`new_classes` must map each label to a number of rows >= 1, got "
                f"{n_rows!r} for {label!r}."
            )


def check_labels(table, new_classes):
    """Refuse new classes where labels are one-vs-all indicators."""
    if new_classes and table.is_one_vs_all:
        raise SchemaError(
            "`new_classes` needs labels in one column, got one-vs-all indicators. "
            "Pass y as labels."
        )


def check_metadata(**named):
    """Refuse groups or weights that are not one per row."""
    for name, (values, rows) in named.items():
        if values is not None and len(values) != len(rows):
            raise ValueError(
                f"`{name}` must have one value per row: expected {len(rows)}, got "
                f"{len(values)}."
            )


def check_filters(filters, schema):
    """Refuse filters that could not be fitted, before a generator is paid for rows."""
    for part in filters:
        if part is None or isinstance(part, str):
            continue
        part._validate_params()
        rules = part.get_params(deep=False).get("constraints")
        for rule in rules if isinstance(rules, list | tuple) else ():
            if not isinstance(rule, str):
                check_rule(rule, schema)


def check_batch(batch, schema, generator):
    """Refuse a batch whose columns or dtypes are not the real table's."""
    who = type(generator).__name__
    if list(batch.X.columns) != schema.names or len(batch.X) != len(batch.y):
        raise GeneratorError(
            f"{who}.draw returned columns {list(batch.X.columns)} and {len(batch.y)} "
            f"labels for {len(batch.X)} rows, expected columns {schema.names} and a "
            "label per row."
        )
    # All at once: reading one column after another takes a fifth of the drawing.
    dtypes = [*batch.X.dtypes, batch.y.dtype]
    for column, dtype in zip((*schema.columns, schema.target), dtypes, strict=True):
        # Text, ids and private values were not shown: a generator may leave or make up.
        is_blank = column.kind in BLANK_KINDS
        if dtype != column.dtype and not is_blank:
            raise GeneratorError(
                f"{who}.draw returned column {column.name!r} as {dtype}, "
                f"expected {column.dtype}. Cast it, and put rows that cannot be cast "
                "into `Batch.refused`."
            )
    return batch
