"""Other people's synthesizers as `from_synthesizer` takes them: ``fit`` and ``sample``.

None of them is needed. Each has a requirement file of its own in ``requirements``, and
is imported in this file and nowhere else, when it is fitted.
"""

import contextlib
import importlib
import io
import os
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

REQUIREMENTS = Path(__file__).with_name("requirements")
PEERS = {  # name: module and requirement file
    "CTGAN": ("ctgan", "ctgan.txt"),
    "TVAE": ("ctgan", "ctgan.txt"),
    "Gaussian copula": ("sdv", "sdv.txt"),
    "ARF": ("arfpy", "arf.txt"),
    "ForestDiffusion": ("ForestDiffusion", "forestdiffusion.txt"),
    "GReaT": ("be_great", "great.txt"),
}
FEW_LEVELS = 2  # a column of numbers with as many values or fewer is a category


def is_installed(name):
    """Return whether a peer can be imported."""
    return find_spec(PEERS[name][0]) is not None


def tell_missing(name):
    """Return the line printed for a peer that is not there."""
    module, file = PEERS[name]
    place = f"benchmarks/{REQUIREMENTS.name}/{file}"
    return f"skipped {name}: no module {module}; see {place}"


def find_levels(frame):
    """Return the columns to treat as categories: the label, strings and yes/no."""
    return [
        name
        for name in frame
        if name == frame.columns[-1]
        or not pd.api.types.is_numeric_dtype(frame[name])
        or frame[name].nunique() <= FEW_LEVELS
    ]


def find_whole(frame):
    """Return the columns of whole numbers, which some peers answer with fractions."""
    return [name for name in frame if pd.api.types.is_integer_dtype(frame[name])]


def drop_unused(frame):
    """Return categories as plain values: a level without a row confuses peers."""
    return frame.astype(
        {
            name: object
            for name in frame
            if isinstance(frame[name].dtype, pd.CategoricalDtype)
        }
    )


@contextlib.contextmanager
def hush():
    """Keep a peer from printing, and from warning about what pandas 3 will change."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore", FutureWarning)
        yield


class CtganPeer:
    """CTGAN or TVAE of the package ctgan, with its defaults."""

    def __init__(self, kind, seed):
        self.kind, self.seed = kind, seed

    def fit(self, frame):
        frame = drop_unused(frame)
        self.model = getattr(importlib.import_module("ctgan"), self.kind)()
        self.model.set_random_state(self.seed)
        self.model.fit(frame, find_levels(frame))

    def sample(self, n_rows):
        return self.model.sample(n_rows)


class CopulaPeer:
    """Gaussian copula of SDV, with its defaults; it seeds itself."""

    def fit(self, frame):
        single_table = importlib.import_module("sdv.single_table")
        levels = find_levels(frame)
        columns = {
            str(name): {"sdtype": "categorical" if name in levels else "numerical"}
            for name in frame
        }
        described = importlib.import_module("sdv.metadata").Metadata
        metadata = described.load_from_dict({"tables": {"rows": {"columns": columns}}})
        self.model = single_table.GaussianCopulaSynthesizer(metadata)
        with hush():
            self.model.fit({"rows": drop_unused(frame)})

    def sample(self, n_rows):
        with hush():
            return self.model.sample(num_rows=n_rows)["rows"]


class ArfPeer:
    """Adversarial random forest, with its defaults; whole numbers are rounded."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, frame):
        vars(np).setdefault("in1d", np.isin)  # arfpy calls what numpy 2.4 has dropped
        arf = importlib.import_module("arfpy.arf")
        levels = find_levels(frame)
        self.values = {name: dict(enumerate(frame[name].unique())) for name in levels}
        self.whole = [name for name in find_whole(frame) if name not in levels]
        strings = frame.copy()
        for name, values in self.values.items():
            codes = {value: f"v{code}" for code, value in values.items()}
            strings[name] = frame[name].map(codes).astype("category")
        with hush():  # it prints every round
            self.model = arf.arf(x=strings, random_state=self.seed)
            self.model.forde()

    def sample(self, n_rows):
        with hush():
            rows = self.model.forge(n=n_rows)
        for name, values in self.values.items():
            codes = rows[name].astype(str).str[1:].astype(int)
            rows[name] = codes.map(values)
        return rows.assign(**{name: rows[name].round() for name in self.whole})


class ForestDiffusionPeer:
    """Diffusion by gradient boosted trees, with fewer steps than its defaults.

    It fits a model per step and column, a level being a column. With its defaults (50
    steps, 100 copies of the table, 100 trees) that takes minutes for ten columns of
    numbers; 10, 10 and 20 here. Whatever is not a number travels as a code; whole
    numbers are rounded.
    """

    def __init__(self, seed):
        self.seed = seed

    def fit(self, frame):
        model = importlib.import_module("ForestDiffusion").ForestDiffusionModel
        levels = find_levels(frame)
        self.columns = list(frame)
        self.whole = [name for name in find_whole(frame) if name not in levels]
        self.values = {name: pd.factorize(frame[name])[1] for name in levels}
        codes = frame.copy()
        for name in levels:
            codes[name] = pd.factorize(frame[name])[0]
        is_many = {name: len(self.values[name]) > FEW_LEVELS for name in levels}
        self.model = model(
            codes.to_numpy(float),
            n_t=10,
            duplicate_K=10,
            n_estimators=20,
            cat_indexes=[self.columns.index(name) for name in levels if is_many[name]],
            bin_indexes=[
                self.columns.index(name) for name in levels if not is_many[name]
            ],
            n_jobs=1,
            seed=self.seed,
        )

    def sample(self, n_rows):
        matrix = self.model.generate(batch_size=n_rows)
        rows = pd.DataFrame(matrix, columns=self.columns)
        for name, values in self.values.items():
            codes = rows[name].round().clip(0, len(values) - 1)
            rows[name] = np.asarray(values)[codes.astype(int)]
        return rows.assign(**{name: rows[name].round() for name in self.whole})


class GreatPeer:
    """GReaT: a small language model fine-tuned on rows as sentences.

    The model is distilgpt2, or the one that the environment variable T2SAMPLER_GREAT
    names: another one of the hub, or a folder.
    """

    def fit(self, frame):
        great = importlib.import_module("be_great").GReaT
        with tempfile.TemporaryDirectory() as folder:  # it keeps states of its training
            self.model = great(
                os.environ.get("T2SAMPLER_GREAT", "distilgpt2"),
                experiment_dir=folder,
                epochs=50,
                report_to=[],
                save_strategy="no",
            )
            self.model.fit(frame)
        self.max_length = self._count_tokens(frame)

    def _count_tokens(self, frame):
        """Return how long a row may get: its default of 100 cuts rows of 9 columns."""
        sentences = [
            ", ".join(f"{name} is {value}" for name, value in row.items())
            for row in frame.to_dict("records")
        ]
        longest = max(map(len, self.model.tokenizer(sentences)["input_ids"]))
        return min(2 * longest, self.model.model.config.max_position_embeddings)

    def sample(self, n_rows):
        return self.model.sample(n_samples=n_rows, max_length=self.max_length)


def make_peer(name, seed):
    """Return an unfitted synthesizer by name."""
    makers = {
        "CTGAN": lambda: CtganPeer("CTGAN", seed),
        "TVAE": lambda: CtganPeer("TVAE", seed),
        "Gaussian copula": CopulaPeer,
        "ARF": lambda: ArfPeer(seed),
        "ForestDiffusion": lambda: ForestDiffusionPeer(seed),
        "GReaT": GreatPeer,
    }
    return makers[name]()
