"""HTML pages that need nothing beside them: their frame, their style, their tables."""

from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
       padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.lead { margin-top: 0; opacity: .75; }
figure { margin: 1rem 0; max-width: 48rem; }
figcaption { font-size: .85rem; opacity: .75; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, sans-serif; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow: auto;
        width: fit-content; max-width: 100%; max-height: 27rem;
        font-variant-numeric: tabular-nums; }
thead { position: sticky; top: 0; background: Canvas; }
th, td { text-align: right; padding: .3rem .7rem; border-bottom: 1px solid var(--line);
         white-space: nowrap; }
thead th { border-bottom-width: 2px; }
tbody th { font-weight: 500; }
tbody th, thead th:first-child { text-align: left; }
tbody tr:hover { background: var(--soft); }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; }
@media print { table { max-height: none; } }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .75rem; } }
"""


def render_document(title, body, lead=""):
    """Return a whole HTML page.

    Parameters
    ----------
    title : str
        Text, escaped here.
    body : str
        HTML.
    lead : str, default=""
        Text below the title, escaped here.
    """
    lead = f"<p class='lead'>{escape(lead)}</p>\n" if lead else ""
    return (
        "<!DOCTYPE html>\n"
        "<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{lead}{body}\n</body></html>\n"
    )


def to_table(frame):
    """Return a dataframe as an HTML table, escaped; missing cells are empty."""
    html: str = frame.to_html(na_rep="", border=0, float_format="{:.5g}".format)
    return html
