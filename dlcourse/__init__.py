"""The helper package of the course *Deep Learning Basics*.

Importing it loads nothing but the standard library, so that ``python -m dlcourse`` works on a bare machine, and
decides how PyTorch's threads wait: see ``settle_threads``.
"""

import os
import sys

__version__ = "1.0"

WAITING = {
    "GOMP_SPINCOUNT": "1000",  # GNU OpenMP (Linux): turns of the loop before a waiting thread sleeps
    "KMP_BLOCKTIME": "0",  # Intel's and LLVM's OpenMP (Windows, macOS, conda): milliseconds before it sleeps
}
_in_time = "torch" not in sys.modules  # OpenMP reads its settings when torch is loaded
_done = False


def settle_threads():  # type: () -> str  # a comment, since old Pythons must be able to read this file
    """Decide how many threads PyTorch has and how they wait, so that two notebooks do not block each other.

    At quick scale it has half of its threads, one on two cores: the layers are small, and two notebooks fit side by
    side. At full scale all work. Those that wait sleep; where ``torch`` was loaded before ``dlcourse`` it is too late
    to say so, and one thread is left. A variable of the user's own wins: ``OMP_NUM_THREADS``, ``OMP_WAIT_POLICY`` and
    those of ``WAITING``. Called when the package is imported, and by ``runtime.seed``. Returns "nothing", "variables"
    or "threads". Notebook 0.1 and ``tests/benchmarks/waiting.py`` measure it.
    """
    global _done
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        if name in os.environ and os.environ[name] != WAITING.get(name):
            return "nothing"
    if "torch" not in sys.modules:
        os.environ.update(WAITING)
        return "variables"
    if _done or (_in_time and os.environ.get("DLCOURSE_SCALE", "").strip().lower() == "full"):
        return "nothing"
    _done = True  # who sets another number later keeps it
    torch = sys.modules["torch"]
    torch.set_num_threads(max(1, torch.get_num_threads() // 2) if _in_time else 1)
    return "threads"


settle_threads()
