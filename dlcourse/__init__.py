"""The helper package of the course *Deep Learning Basics*.

Importing it loads nothing but the standard library, so that ``python -m dlcourse`` works on a bare machine, and
decides how PyTorch's threads wait: see ``settle_threads``.
"""

import os
import sys

__version__ = "1.0"

WAITING = {
    "GOMP_SPINCOUNT": "3000",  # GNU OpenMP (Linux): turns of the loop before a waiting thread sleeps
    "KMP_BLOCKTIME": "0",  # Intel's and LLVM's OpenMP (Windows, macOS, conda): milliseconds before it sleeps
}


def settle_threads():  # type: () -> str  # a comment, since old Pythons must be able to read this file
    """Let OpenMP's threads sleep while they wait, so that two trainings on one computer do not block each other.

    The runtime reads its settings when ``torch`` is loaded. Where that has happened already, PyTorch is held to one
    thread instead, which never waits. A variable of the user's own wins: ``OMP_WAIT_POLICY``, those of ``WAITING``,
    and ``OMP_NUM_THREADS``. Returns what was done: "variables", "one thread" or "nothing". Notebook 0.1 measures it.
    """
    if "OMP_WAIT_POLICY" in os.environ or set(WAITING) & set(os.environ):
        return "nothing"
    if "torch" not in sys.modules:
        os.environ.update(WAITING)
        return "variables"
    if "OMP_NUM_THREADS" in os.environ:
        return "nothing"
    sys.modules["torch"].set_num_threads(1)
    return "one thread"


settle_threads()
