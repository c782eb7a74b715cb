"""How sphinx builds the site: `make docs`."""

import re

from sphinx.util.nodes import make_refnode
from sphinx_gallery.sorting import ExplicitOrder

import t2sampler

project = "t2sampler"
version = release = t2sampler.__version__
copyright = "the authors of t2sampler, BSD-3-Clause"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "auto_examples/*.py", "examples"]
nitpicky = True

html_theme = "pydata_sphinx_theme"
html_title = "t2sampler"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}

# Anchors of headings are those of code hosts, so that links work on both.
myst_heading_anchors = 3

# `name` in a docstring is a link where a page has that name, and code elsewhere.
default_role = "py:obj"
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
templates_path = ["_templates"]

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "download_all_examples": False,
    "within_subsection_order": ExplicitOrder(
        [
            "plot_first_run.py",
            "plot_does_it_help.py",
            "plot_rare_class.py",
            "plot_noisy_labels.py",
            "plot_missing_class.py",
            "plot_compare_systems.py",
            "plot_conditional_rows.py",
            "plot_paper_protocol.py",
            "*",
        ]
    ),
    "ignore_repr_types": r"matplotlib|Display",  # the figure itself is shown
    "show_signature": False,
    "write_computation_times": False,
}


def link_examples(app, page, source):
    """Let links to a script, which code hosts show, lead to the page made of it."""
    text = re.sub(
        r"(\]\([./]*)examples/(\w+)\.py\)", r"\1auto_examples/\2.rst)", source[0]
    )
    source[0] = text.replace("](examples/README.rst)", "](auto_examples/index.rst)")


def find_name(app, env, node, contnode):
    """Link a bare `name` to its page, whichever module that is in."""
    if node.get("reftype") != "obj":
        return None
    ending = "." + node["reftarget"]
    objects = env.domains["py"].objects
    found = {objects[name][:2] for name in objects if name.endswith(ending)}
    if len(found) != 1:  # names of classes should have a page
        return None if node["reftarget"][0].isupper() else contnode
    ((page, anchor),) = found
    return make_refnode(app.builder, node["refdoc"], page, anchor, contnode)


def skip_inherited(app, what, name, member, *rest):
    """Leave out methods of scikit-learn: `get_params`, metadata routing."""
    module = getattr(member, "__module__", None) or ""
    return module.startswith(("sklearn.", "imblearn.")) or None  # None: as usual


def setup(app):
    """Register what sphinx calls while it reads pages."""
    app.connect("source-read", link_examples)
    app.connect("missing-reference", find_name)
    app.connect("autodoc-skip-member", skip_inherited)
