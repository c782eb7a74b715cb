"""The arms of a comparison: what is done about rare classes before or after a fit."""

from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

from t2sampler.filters._sequence import FILTERS
from t2sampler.generators import from_sampler
from t2sampler.sampling import TeamThenTrimSampler

NOTHING, WEIGHTS, THRESHOLD = "nothing", "class weights", "tuned threshold"
REPEAT = "RandomOverSampler"
FREE = (NOTHING, WEIGHTS, THRESHOLD, REPEAT)
TRIMMED = "TeamThenTrimSampler"
UNTRIMMED = "TeamThenTrim, untrimmed"
OFF = dict.fromkeys(FILTERS, "passthrough")


def make_smote(schema, kinds, n_rows):
    """Return SMOTE in the form that suits the columns, by name; or none, and why.

    `from_sampler` prepares the table as a user would have to: medians for missing
    numbers, and a level of its own for missing categories. A batch has ``n_rows``, so
    that all are drawn at once.
    """
    columns = [column for column in schema.columns if column.is_modelled]
    n_levels = sum(bool(column.levels) for column in columns)
    if not columns:
        return {}, "SMOTE is left out: no column holds numbers or categories."
    if n_levels == 0:
        smote = SMOTE()
    else:
        smote = SMOTEN() if n_levels == len(columns) else SMOTENC("auto")
    generator = from_sampler(smote, column_kinds=kinds)
    sampler = TeamThenTrimSampler(
        generator, column_kinds=kinds, batch_size=n_rows, **OFF
    )
    return {type(smote).__name__: sampler}, ""


def make_teams(kinds):
    """Return the sampler without and with its filters, which draw the same batches."""
    return {
        UNTRIMMED: TeamThenTrimSampler(column_kinds=kinds, **OFF),
        TRIMMED: TeamThenTrimSampler(column_kinds=kinds),
    }
