"""How long a small training takes, alone and beside copies of itself, under given variables of OpenMP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

_NAMES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
SPINNING = {"GOMP_SPINCOUNT": "300000", "KMP_BLOCKTIME": "200"}  # what the runtimes do by themselves
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
_PROGRAM = """
import os, sys, time
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                      nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
pictures, labels = torch.rand(32, 1, 28, 28), torch.randint(0, 10, (32,))
def steps(count):
    start = time.perf_counter()
    for _ in range(count):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pictures), labels).backward()
        optimizer.step()
    return time.perf_counter() - start
steps(10)
print("ready", flush=True)
sys.stdin.readline()
print(steps(int(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


def training_seconds(copies: int, variables: Mapping[str, str], steps: int = 150) -> list[float]:
    """Return the seconds that each of ``copies`` processes needs when all train a small LeNet at the same time.

    Each makes ``steps`` steps of 32 pictures under the given environment variables, after a common start. Raises
    RuntimeError when a process ends without an answer.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _NAMES}
    command = [sys.executable, "-c", _PROGRAM, str(steps)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, env={**kept, **variables}, **pipes) for _ in range(copies)]  # type: ignore[call-overload]
    try:
        for signal in ("ready", "seconds"):
            answers = [process.stdout.readline().strip() for process in processes]
            if not all(answers):
                raise RuntimeError("A training process ended early; run `python -m dlcourse doctor`.")
            if signal == "ready":
                for process in processes:
                    process.stdin.write("\n")
                    process.stdin.flush()
        return [float(answer) for answer in answers]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
