"""Notebooks are executed with patience, so that a build on a busy machine neither fails nor loses outputs.

A cell's own limit is set in _config.yml. nbclient has two more, which neither Jupyter Book nor MyST-NB pass on: it
gives a kernel 60 seconds to start, and after a cell it waits 4 seconds for outputs that are still under way, then goes
on without them.

And threads are told to sleep while they wait for each other. By default they spin, which is quickest on an idle
machine; but where other programs want the cores too, each waits for one that is not running, and mixing takes ten times
as long.
"""

from __future__ import annotations

import os

import nbclient.client
from sphinx.application import Sphinx
from traitlets import Integer

STARTUP_S = 300
OUTPUT_S = 60


class PatientClient(nbclient.client.NotebookClient):
    """A client that gives kernels and their outputs more time."""

    startup_timeout = Integer(STARTUP_S).tag(config=True)
    iopub_timeout = Integer(OUTPUT_S).tag(config=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx. `nbclient.execute`, by which pages are executed, looks the class up here."""
    nbclient.client.NotebookClient = PatientClient
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # kernels inherit it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
