"""Sphinx configuration of the documentation site: `make docs` writes it to docs/_build.

The source folder is the repository's root, so that links work alike on the site and in a checkout.
"""

import importlib.metadata
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

project = "Cinematrix"
author = "The Cinematrix founders"
copyright = author
release = importlib.metadata.version("cinematrix")
root_doc = "docs/index"
default_role = "code"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/RESULTS.md",
    "docs/**",
]
exclude_patterns = ["docs/_build"]
source_suffix = {".md": "myst-nb"}
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.graphviz",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx-mathjax-offline",
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 100

graphviz_output_format = "svg"
html_theme = "furo"
html_title = f"Cinematrix {release}"
html_extra_path = ["_extra"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
