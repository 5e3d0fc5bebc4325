"""What notebook 6.2 uses: its training and landscape, the recorded study, and workers of which one is really killed."""

from __future__ import annotations

import importlib
import math
import random
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import TrialState
from scipy import stats
from scipy.stats import qmc

from dlcourse import models, results
from dlcourse.authoring import definitions, studies

CHAPTER = definitions.ROOT / "06_tuning"
SMALL = {"lr": 0.1, "friction": 0.5, "weight_decay": 1e-4, "dropout": 0.1, "width": 16}
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
KINDS = pytest.mark.parametrize("kind", ["journal", "sqlite"])


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(CHAPTER / "02_search.ipynb")


def load(name: str) -> Any:
    """Import a module of the chapter's folder."""
    sys.path.insert(0, str(CHAPTER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(CHAPTER))


@pytest.fixture(scope="module")
def searching() -> Any:
    return load("searching")


# --- training and landscape --------------------------------------------------------------------------------


def test_the_perceptron_is_that_of_notebook_1_3() -> None:
    first = definitions.load_definitions(definitions.ROOT / "01_pytorch_basics" / "03_handwritten_digits.ipynb")
    built, packaged = first.MLP(20, 0.1, 0.3, 0.4), models.MLP(20, 0.1, 0.3, 0.4)
    packaged.load_state_dict(built.state_dict())
    x = torch.rand(5, 1, 28, 28)
    for mode in (True, False):
        torch.manual_seed(0)
        wanted = built.train(mode)(x)
        torch.manual_seed(0)
        assert torch.equal(packaged.train(mode)(x), wanted)
    with torch.device("meta"):
        assert models.MLP(20)(torch.rand(5, 1, 28, 28)).shape == (5, 10)


def test_a_training_repeats_itself_and_reports_each_epoch(searching: Any) -> None:
    rows: list[Any] = []
    one = searching.train_one(SMALL, start=3, epochs=2, after_epoch=rows.append)
    two = searching.train_one(SMALL, start=3, epochs=2)
    assert one["curve"] == two["curve"] and one["judge"] == two["judge"]
    assert [1 - row["val_accuracy"] for row in rows] == one["curve"] and one["error"] == one["curve"][-1] < 0.8
    assert searching.train_one(SMALL, start=4, epochs=2)["curve"] != one["curve"]


def test_the_judge_has_no_digit_that_was_trained_or_chosen_on(searching: Any) -> None:
    digits = {name: [row.numpy().tobytes() for row in part.tensors[0]] for name, part in searching.parts().items()}
    assert {name: len(rows) for name, rows in digits.items()} == {"train": 2000, "validation": 500, "judge": 1500}
    judge = set(digits["judge"])
    assert not judge & set(digits["train"]) and not judge & set(digits["validation"])


def test_a_training_that_breaks_down_is_nan(searching: Any) -> None:
    result = searching.train_one(SMALL | {"lr": 10.0, "friction": 1.0, "width": 64, "dropout": 0.3})
    assert math.isnan(result["error"]) and 0.5 < result["judge"] <= 1


def test_pruning_passes_through_fit(searching: Any) -> None:
    def stop(row: Any) -> None:
        raise optuna.TrialPruned

    with pytest.raises(optuna.TrialPruned):
        searching.train_one(SMALL, epochs=3, after_epoch=stop)


def test_places_of_the_space(searching: Any) -> None:
    for point in qmc.Sobol(5, seed=0).random(64):
        settings = searching.settings_at(point)
        assert all(low <= settings[name] <= high for name, (low, high, _) in searching.SPACE.items())
        back = searching.unit(settings)
        assert all(math.isclose(a, b, abs_tol=1e-9) for a, b in zip(back[:4], point, strict=False))
    points = searching.unit_grid(random.Random(1))
    assert len({tuple(point) for point in points}) == 32
    assert all(len({point[axis] for point in points}) == 2 for axis in range(5))


def test_the_landscape_predicts_hidden_points(searching: Any) -> None:
    runs = results.select(results.study("search"), study="point")
    cube = torch.tensor([searching.unit(run["settings"]) for run in runs], dtype=torch.float64)
    errors = torch.tensor([0.9 if run["error"] is None else run["error"] for run in runs], dtype=torch.float64)
    hidden = torch.arange(256) % 4 == 0
    predicted = searching.Landscape(cube[~hidden], errors[~hidden])(cube[hidden])
    assert stats.spearmanr(predicted, errors[hidden])[0] > 0.8
    assert stats.spearmanr(predicted.flip(0), errors[hidden])[0] < 0.5
    assert predicted.max() <= searching.GUESSING


# --- the notebook's own functions --------------------------------------------------------------------------


def test_mirrored_is_the_first_sequence_of_halton(nb: ModuleType) -> None:
    assert [nb.mirrored(k) for k in range(50)] == pytest.approx(qmc.Halton(1, scramble=False).random(50)[:, 0].tolist())


def test_luck_is_the_expected_best_of_normal_numbers(nb: ModuleType) -> None:
    for n in (2, 8, 32):
        drawn = torch.randn(20000, n, generator=torch.Generator().manual_seed(n)).amax(1).mean().item()
        assert nb.luck(n) == pytest.approx(drawn, abs=0.04)


def test_fresh_score_is_right_on_the_mean_and_spreads_as_the_formula_says(nb: ModuleType) -> None:
    chance = random.Random(0)
    scores = [nb.fresh_score(0.1, chance) for _ in range(3000)]
    assert statistics.mean(scores) == pytest.approx(0.1, abs=0.003)
    assert statistics.stdev(scores) == pytest.approx(math.sqrt(0.09 / 128 * 372 / 499), rel=0.06)
    assert nb.fresh_score(0.0, chance) == 0


# --- the recorded study ------------------------------------------------------------------------------------


def test_the_study_has_all_runs_and_no_others() -> None:
    study, runs = load("search_study"), results.study("search")
    assert studies.missing("search", study.wanted) == []
    wanted = list(study.wanted(runs))
    assert len(runs) == len(wanted) and all(run["settings"] in wanted for run in runs)


def test_a_recorded_run_can_be_made_again() -> None:
    study = load("search_study")
    recorded = results.select(results.study("search"), study="default", start=5)[0]
    assert study.run(recorded["settings"])["error"] == pytest.approx(recorded["error"], abs=0.02)
    best = min((run for run in results.study("search") if run["error"] is not None), key=lambda run: run["error"])
    assert best["error"] < 0.06


# --- workers -----------------------------------------------------------------------------------------------


def made(searching: Any, kind: str, folder: Path, points: int = 6, hangs: int | None = 2) -> tuple[str, Any, Any]:
    """Return the address, a study with some points in its queue, and their settings."""
    path = folder / "study"
    address = str(path) if kind == "journal" else f"sqlite:///{path.as_posix()}.db"
    options = {} if kind == "journal" else {"heartbeat_interval": 1, "grace_period": 2}
    study = optuna.create_study(study_name="digits", storage=searching.open_storage(address, **options))
    plan = [searching.settings_at([0.3 + 0.25 * u for u in point]) for point in qmc.Sobol(5, seed=1).random(8)[:points]]
    for k, settings in enumerate(plan):
        study.enqueue_trial(settings | {"width": 16}, user_attrs={"start": k, "hangs": k == hangs})
    return address, study, plan


@KINDS
def test_two_workers_never_take_the_same_trial(searching: Any, kind: str, tmp_path: Path) -> None:
    address, study, _ = made(searching, kind, tmp_path, points=0)
    for _ in range(80):
        study.enqueue_trial({"width": 16})
    studies = [optuna.load_study(study_name="digits", storage=searching.open_storage(address)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda one: [one.ask().number for _ in range(40)], studies))
    assert sorted(taken[0] + taken[1]) == list(range(80))


@KINDS
def test_no_point_is_lost_and_none_run_twice_when_a_worker_is_killed(
    searching: Any, nb: ModuleType, kind: str, tmp_path: Path
) -> None:
    address, study, plan = made(searching, kind, tmp_path)
    with searching.workers(address, "ann", "bob") as processes:
        dead = processes[searching.wait_until_it_hangs(study, processes)]
        dead.kill()
        codes = [process.wait() for process in processes.values() if process is not dead]
    assert codes == [0] and dead.returncode not in (0, None)
    assert searching.states(study.get_trials()) == {"complete": 5, "running": 1}
    if kind == "sqlite":
        while study.get_trials(states=(TrialState.RUNNING,)):
            optuna.storages.fail_stale_trials(study)
        nb.give_back(study, study.get_trials(states=(TrialState.FAIL,)))
    else:
        abandoned = study.get_trials(states=(TrialState.RUNNING,))
        study.tell(abandoned[0].number, state=TrialState.FAIL)
        nb.give_back(study, abandoned)
    with searching.workers(address, "cid") as processes:
        assert processes["cid"].wait() == 0
    done = study.get_trials(states=(TrialState.COMPLETE,))
    assert sorted(trial.user_attrs["start"] for trial in done) == list(range(6))
    assert all(trial.params == plan[trial.user_attrs["start"]] | {"width": 16} for trial in done)
    again = next(trial for trial in done if trial.user_attrs["start"] == 2)
    assert again.user_attrs["worker"] == "cid" and len(again.intermediate_values) == 8
    assert again.value == pytest.approx(searching.train_one(again.params, 2)["error"], abs=0.02)
    assert not list(tmp_path.glob("*.lock*"))
    searching.close(study)


def test_no_worker_is_left_when_something_goes_wrong(searching: Any, tmp_path: Path) -> None:
    address, study, _ = made(searching, "journal", tmp_path, points=1, hangs=0)
    with pytest.raises(ZeroDivisionError), searching.workers(address, "ann", "bob") as processes:
        searching.wait_until_it_hangs(study, processes)
        _ = 1 / 0
    assert all(process.poll() is not None for process in processes.values())


def test_waiting_ends_when_no_worker_lives(searching: Any, tmp_path: Path) -> None:
    address, study, _ = made(searching, "journal", tmp_path, points=1, hangs=None)
    with searching.workers(address, "ann") as processes, pytest.raises(RuntimeError, match="All workers have ended"):
        searching.wait_until_it_hangs(study, processes)
    assert searching.states(study.get_trials()) == {"complete": 1}


def test_a_trial_that_is_not_in_the_plan_is_not_trained(tmp_path: Path) -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: load("worker").objective(trial, "ann"), n_trials=1)
    assert study.trials[0].state is TrialState.PRUNED
