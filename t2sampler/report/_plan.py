"""The plan as a graph: who writes which columns, and who reads whom."""

from textwrap import wrap

from t2sampler._figures import COLORS, INK
from t2sampler.report._display import Display, NothingToShowError, write_name

N_ACROSS = 3  # boxes side by side; more of one step go on in the next row
WIDTH, HEIGHT = 0.94, 0.6  # of a box, in the places of a grid
LINE_LENGTH, MAX_LINES = 24, 2  # of the columns in a box
MAX_COMPONENTS = 30


def place_components(components):
    """Return (x, y) by name of component, y counted from the top.

    A component stands below all that it reads.

    Examples
    --------
    >>> from types import SimpleNamespace as Part
    >>> parts = Part(name="b", reads=["a"]), Part(name="a", reads=[])
    >>> place_components(parts)
    {'a': (1.0, 0), 'b': (1.0, 1)}
    """
    steps, left = {}, list(components)
    while left:
        ready = [part for part in left if all(name in steps for name in part.reads)]
        for part in ready:
            steps[part.name] = 1 + max((steps[name] for name in part.reads), default=-1)
        left = [part for part in left if part.name not in steps]
    places, y = {}, 0
    for step in range(max(steps.values(), default=-1) + 1):
        names = [name for name, own in steps.items() if own == step]
        for start in range(0, len(names), N_ACROSS):
            row = names[start : start + N_ACROSS]
            gap = (N_ACROSS - len(row)) / 2
            places |= {name: (x + gap, y) for x, name in enumerate(row)}
            y += 1
    return places


class PlanDisplay(Display):
    """The plan of a team as a graph: a box per component, an arrow to who reads it.

    Parameters
    ----------
    components : sequence of Component
        ``report_.components``.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes

    Examples
    --------
    >>> from t2sampler.report import PlanDisplay
    >>> from t2sampler.team import Component
    >>> person = Component("person", ["age", "sex"], role="demographer")
    >>> work = Component("work", ["job"], reads=["person"])
    >>> PlanDisplay([person, work]).places
    {'person': (1.0, 0), 'work': (1.0, 1)}
    """

    def __init__(self, components):
        self.components = components

    @classmethod
    def from_report(cls, report):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport

        Returns
        -------
        display : PlanDisplay
        """
        n_parts = len(report.components)
        if not n_parts:
            raise NothingToShowError("The generator has no plan of components.")
        if n_parts > MAX_COMPONENTS:
            raise NothingToShowError(
                f"The plan has {n_parts} components, too many to draw."
            )
        return cls(report.components)

    @property
    def places(self):
        """Places (x, y) of the boxes, by name."""
        return place_components(self.components)

    @property
    def panel_size(self):
        """Inches of the panel on a page."""
        return 5.8, 0.3 + 0.9 * (1 + max(y for _, y in self.places.values()))

    def _draw(self, panel, ax):
        places = self.places
        for part in self.components:
            x, y = places[part.name]
            for name in part.reads:
                self._draw_arrow(ax, places[name], (x, y))
            self._draw_box(ax, part, x, y)
        rows = [y for _, y in places.values()]
        ax.set(xlim=(-0.5, N_ACROSS - 0.5), ylim=(max(rows) + 0.5, -0.5))
        ax.set_axis_off()

    def _draw_arrow(self, ax, start, end):
        ax.annotate(
            "",
            (end[0], end[1] - HEIGHT / 2),
            (start[0], start[1] + HEIGHT / 2),
            zorder=1,
            arrowprops={"arrowstyle": "->", "color": INK, "alpha": 0.6, "lw": 0.9},
        )

    def _draw_box(self, ax, part, x, y):
        left, right, top, low = (
            *(x - WIDTH / 2, x + WIDTH / 2),
            *(y - HEIGHT / 2, y + HEIGHT / 2),
        )
        corners = (left, right, right, left), (top, top, low, low)
        ax.fill(*corners, color=COLORS["real"], zorder=2)
        title = f"{part.name} ({part.role})" if part.role else part.name
        names = ", ".join(write_name(name) for name in part.columns)
        lines = wrap(names, LINE_LENGTH, max_lines=MAX_LINES, placeholder=" …")
        style = {"color": "white", "ha": "center", "va": "center", "zorder": 3}
        is_told = names == part.name and not part.role  # its name says its one column
        title_y = y if is_told else top + 0.13
        ax.text(x, title_y, write_name(title, 20), weight="bold", **style)
        ax.text(x, y + 0.11, "" if is_told else "\n".join(lines), fontsize=8, **style)
