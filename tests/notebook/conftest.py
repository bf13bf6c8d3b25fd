"""The packages that run a notebook need Python 3.10, see tests/requirements.txt."""

import sys

collect_ignore = [] if sys.version_info >= (3, 10) else ["test_notebook.py"]
