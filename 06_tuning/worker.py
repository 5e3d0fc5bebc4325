"""One worker process of a study of notebook 6.2.

    python worker.py sqlite:///study.db digits ann
    python worker.py study.log digits bob

The worker called ann, or bob, runs what waits in the queue of the study ``digits``, and ends when nothing waits.
"""

from __future__ import annotations

import functools
import sys
import time
import warnings
from collections.abc import Mapping

import optuna
from optuna.trial import TrialState
from searching import HANGS_AFTER, open_storage, suggest, train_one


def objective(trial: optuna.Trial, name: str) -> float:
    """Train once with the settings of the queue, and tell the study the validation error after each epoch."""
    if "start" not in trial.user_attrs:  # another worker was faster, and nothing waited any more
        raise optuna.TrialPruned
    trial.set_user_attr("worker", name)

    def report(row: Mapping[str, float]) -> None:
        trial.report(1 - row["val_accuracy"], int(row["epoch"]))
        if trial.user_attrs.get("hangs") and row["epoch"] == HANGS_AFTER:
            time.sleep(300)  # a machine that stands still in the middle of a training

    return float(train_one(suggest(trial), trial.user_attrs["start"], after_epoch=report)["error"])


def main(address: str, study_name: str, name: str) -> None:
    """Run what waits in the queue, trial by trial."""
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    heartbeat = {"heartbeat_interval": 1, "grace_period": 600} if "://" in address else {}
    study = optuna.load_study(study_name=study_name, storage=open_storage(address, **heartbeat))
    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.optimize(functools.partial(objective, name=name), n_trials=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
