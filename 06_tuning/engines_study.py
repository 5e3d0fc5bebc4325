"""bf16 and torch.compile on LeNet, with and without each: ``python 06_tuning/engines_study.py`` runs what is missing.

A compilation of LeNet with its backward pass takes longer than a lesson likes. Each run measures training steps of 64
pictures on the CPU, in processor time, so that other programs do not matter: ``first``, the seconds of the first step
with all that the compiler starts, and ``step``, the mean of 30 later ones.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import torch
from torch.nn import functional as F

from dlcourse import models
from dlcourse.authoring import studies
from dlcourse.runtime import seed


def wanted(_: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the four combinations, three times each."""
    for number, amp, compiled in itertools.product(range(3), (False, True), (False, True)):
        yield {"bf16": amp, "compile": compiled, "seed": number}


def run(settings: studies.Settings) -> studies.Run:
    """Measure in a process of its own, so that nothing that was compiled before is used again."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"TORCHINDUCTOR_CACHE_DIR": folder, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        command = [sys.executable, __file__, "--one", json.dumps(settings)]
        done = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def measure(settings: studies.Settings) -> studies.Run:
    """Measure training steps."""
    seed(settings["seed"])
    pictures, labels = torch.rand(64, 1, 28, 28), torch.randint(10, (64,))
    model = models.LeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    forward = torch.compile(model) if settings["compile"] else model
    marks = []
    for _ in range(31):
        marks.append((sum(os.times()[:4]), time.process_time()))
        with torch.autocast("cpu", torch.bfloat16, enabled=settings["bf16"]):
            logits = forward(pictures)
        optimizer.zero_grad()
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
    later = (time.process_time() - marks[1][1]) / 30
    return {"first": round(marks[1][0] - marks[0][0], 3), "step": round(later, 5)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(json.loads(sys.argv[2]))))
        sys.exit(0)
    sys.exit(studies.command("engines", wanted, run, "Run what the study of bf16 and torch.compile does not have yet."))
