"""Try restarts without TORCH_DISABLE_SHARE_RDZV_TCP_STORE and with it, and record what happens (notebook 6.3).

``python 06_tuning/shared_store.py`` takes some minutes: a restart that hangs is given up after 60 seconds.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import torch

from dlcourse import launch

HERE = Path(__file__).resolve().parent
TRIES = 5


def outcome(disabled: bool) -> str:
    """Kill one of two workers; return "went on", "hung", or the error that stopped the second start."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--steps", 20, "--kill-at", 13, "--checkpoint", Path(folder) / "run.pt"]
        variable = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": str(int(disabled))}
        try:
            launch.torchrun(
                HERE / "train_ddp.py", *arguments, options=["--max-restarts=1"], environment=variable, timeout=60
            )
        except launch.JobError as error:
            told = re.findall(r"connectFullMesh failed|Connection refused|Connection reset by peer", error.log)
            return ", ".join(dict.fromkeys(told)) or ("hung" if "not done in time" in str(error) else "failed")
    return "went on"


def main() -> int:
    """Record the outcomes of both settings."""
    found = {}
    for name, disabled in (("shared store", False), ("store of their own", True)):
        found[name] = [outcome(disabled) for _ in range(TRIES)]
        print(name, found[name], flush=True)
    launch.store(HERE / "recorded_jobs.json", "restarts", {"version": torch.__version__.split("+")[0], **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
