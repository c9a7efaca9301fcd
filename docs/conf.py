"""Sphinx's configuration of the documentation: ``make docs``."""

import os
import sys
from pathlib import Path

from mf_nas_kd import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "mf-nas-kd"
author = copyright = "The contributors of mf-nas-kd"
version = release = __version__
html_title = "mf-nas-kd"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "reference_pages"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
html_theme = "furo"  # no files from other servers: pages work without a network
html_static_path = ["_static"]
html_css_files = ["site.css"]
highlight_language = "none"  # blocks without a language are commands
html_copy_source = html_show_sourcelink = False

# Every page, parameter, option, catalog entry and term that is referred to must be there. Python objects without a page
# are text: names of other libraries, and of modules below the packages.
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]
suppress_warnings = ["ref.python"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
os.environ.pop(
    "MPLBACKEND", None
)  # make sets it; the kernel of the notebook has a backend of its own, which shows figures
nb_execution_mode = "cache"  # a notebook that did not change is not run again
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True

autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
autodoc_default_options = {
    "exclude-members": "model_config, model_post_init, Options, forward, add_module, training",
}
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_custom_sections = [("References", "notes_style")]
