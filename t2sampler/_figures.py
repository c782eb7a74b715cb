"""Figures: the only file that imports matplotlib, an extra."""

import re
import warnings
from io import StringIO

# Blue, orange and green of Okabe and Ito, told apart by colour-blind readers, on light
# and on dark pages; grey for what was left out.
COLORS = {"real": "#0072B2", "new": "#E69F00", "trimmed": "#8a8a8a", "good": "#009E73"}
CLASS_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK = "#010203"  # stands for the text colour of the page, which may be light or dark
FAINT = "#040506"  # the same, for grid lines
PAGE_STYLE = {
    **dict.fromkeys(
        [
            "text.color",
            "axes.labelcolor",
            "axes.edgecolor",
            "xtick.color",
            "ytick.color",
        ],
        INK,
    ),
    "grid.color": FAINT,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "font.family": "sans-serif",
    "font.size": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text that can be searched and read aloud
    "svg.hashsalt": "t2sampler",  # the same figure has the same ids each time
}


def import_matplotlib():
    """Return the module, or say which extra has it.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import matplotlib
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib, which is not installed. Install it with "
            "`pip install 't2sampler[report]'`."
        ) from error
    return matplotlib


def new_axes():
    """Return new axes of pyplot, which notebooks show."""
    return import_matplotlib().pyplot.subplots(layout="constrained")[1]


def draw_svg(draw, *, name, width=6.4, height=3.6):
    """Return a figure as an inline ``<svg>`` in the colours of the page around it.

    Parameters
    ----------
    draw : callable
        Is given an empty figure and draws in it.
    name : str
        Unique on the page, of letters, digits and hyphens: ids in the figure start with
        it.
    width, height : float
        In inches of 72 points. A narrow page scales the figure down.

    Returns
    -------
    svg : str
        Without a font, a script or a picture from elsewhere.

    Examples
    --------
    >>> svg = draw_svg(lambda figure: figure.subplots().plot([1, 3, 2]), name="line")
    >>> svg[:4], "currentColor" in svg
    ('<svg', True)
    """
    matplotlib = import_matplotlib()
    with matplotlib.rc_context(PAGE_STYLE):
        figure = matplotlib.figure.Figure((width, height), layout="constrained")
        figure.patch.set_visible(False)
        draw(figure)
        text = StringIO()
        with warnings.catch_warnings():
            # The browser draws the text, in fonts that have what matplotlib's lack.
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from ")
            figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return _fit_into_page(text.getvalue(), name)


def _fit_into_page(svg, name):
    """Take away the document around an svg, and use the colours of the page."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace(INK, "currentColor").replace(FAINT, "var(--line)")
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img"', svg, count=1)
