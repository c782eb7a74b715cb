"""How sphinx builds the site: `make docs`."""

from sphinx.util.nodes import make_refnode

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
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
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
    "show_signature": False,
    "write_computation_times": False,
}


def find_name(app, env, node, contnode):
    """Link a bare `name` to its page, whichever module that is in."""
    if node.get("reftype") != "obj":
        return None
    ending = "." + node["reftarget"]
    objects = env.domains["py"].objects
    found = {objects[name][:2] for name in objects if name.endswith(ending)}
    if len(found) != 1:
        return contnode
    ((page, anchor),) = found
    return make_refnode(app.builder, node["refdoc"], page, anchor, contnode)


def skip_inherited(app, what, name, member, skip, options):
    """Leave out methods of scikit-learn: `get_params`, metadata routing."""
    module = getattr(member, "__module__", None) or ""
    return skip or module.startswith(("sklearn.", "imblearn."))


def setup(app):
    """Register what sphinx calls while it reads pages."""
    app.connect("missing-reference", find_name)
    app.connect("autodoc-skip-member", skip_inherited)
