"""Sphinx configuration of the documentation site: `make docs` writes it to docs/_build.

The source folder is the repository's root, so that links work alike on the site and in a checkout.
"""

import hashlib
import importlib.metadata
import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))


def find_data() -> str:
    """Return the ratings that the notebooks look at: `$CINEMATRIX_DATA`, or those beside the checkout; else none."""
    beside = ROOT.parent / "shared" / "data" / "ml-latest-small"
    given = os.environ.get("CINEMATRIX_DATA") or (beside if beside.is_dir() else "")
    return str(Path(given).resolve()) if given else ""


def digest_sources() -> str:
    """Return a digest of all that a notebook's outputs depend on besides its cells: the library and the data."""
    digest = hashlib.sha256(os.environ["CINEMATRIX_DATA"].encode())
    for path in sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "docs" / "notebooks").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


os.environ["CINEMATRIX_DATA"] = find_data()
logging.getLogger("traitlets").setLevel(logging.WARNING)  # it tells each notebook that it executes

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
exclude_patterns = ["docs/_build", "docs/jupyter_execute", "**/.ipynb_checkpoints"]  # the second is MyST-NB's
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

nb_execution_mode = "cache"  # a notebook is executed when its code, the library or the data changed
nb_execution_cache_path = str(ROOT / "docs" / "_build" / ".notebooks" / digest_sources())
nb_execution_timeout = 600  # seconds a cell, on a busy machine
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

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
