"""What notebook 5.3 builds: the nine optimizers, the sweep, the schedules; and the chapter's recorded studies."""

from __future__ import annotations

import importlib.util
import json
import math
from collections import Counter
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from dlcourse import results
from dlcourse.authoring import definitions
from dlcourse.models import LeNet

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
CHAPTER = definitions.ROOT / "05_optimizers"


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(CHAPTER / "03_optimizer_comparison.ipynb")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CHAPTER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def study() -> ModuleType:
    return script("study")


@pytest.fixture(scope="module")
def schedules() -> ModuleType:
    return script("schedules")


# --- optimizers --------------------------------------------------------------------------------------------


def test_each_optimizer_has_all_parameters_once_and_the_rate(nb: ModuleType) -> None:
    assert set(nb.ORDER) == set(nb.OPTIMIZERS) and set(nb.INSTALLED) <= set(nb.ORDER)
    for name in nb.INSTALLED:
        model = LeNet()
        for lr in (0.0123, None):
            made = nb.OPTIMIZERS[name](model, lr)
            groups = [group for optimizer in made for group in optimizer.param_groups]
            held = [id(p) for group in groups for p in group["params"]]
            assert sorted(held) == sorted(map(id, model.parameters())), name
            if lr is not None:
                assert {group["lr"] for group in groups} == {lr}, name


def test_without_a_rate_all_is_as_pytorch_has_it(nb: ModuleType) -> None:
    for name, kind in (("SGD", torch.optim.SGD), ("Adam", torch.optim.Adam), ("Adadelta", torch.optim.Adadelta)):
        (made,) = nb.OPTIMIZERS[name](nn.Linear(2, 2), None)
        assert made.defaults == kind(nn.Linear(2, 2).parameters()).defaults


def test_one_step_changes_all_weights(nb: ModuleType) -> None:
    for name in nb.INSTALLED:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        before = [p.detach().clone() for p in model.parameters()]
        nb.descend(nb.OPTIMIZERS[name](model, 0.1), model(torch.randn(5, 3)).square().mean())
        assert all((p != old).any() for p, old in zip(model.parameters(), before, strict=True)), name


def test_rates_grow_by_about_three(nb: ModuleType) -> None:
    for name in nb.ORDER:
        rates = nb.rates(name)
        assert len(rates) == nb.NUMBER == 7 and rates[0] == nb.LOWEST[name]
        assert all(2.99 < b / a < 3.34 for a, b in zip(rates, rates[1:], strict=False))
    assert nb.rates("RMSprop")[:3] == [3e-5, 1e-4, 3e-4] and nb.rates("Adadelta")[-1] == 30


def test_the_best_mean_is_chosen_and_ties_go_to_the_lower_loss(nb: ModuleType) -> None:
    def run(lr: float, validation: float, loss: float | None, **more: Any) -> dict[str, Any]:
        settings = {"study": "sweep", "optimizer": "SGD", "lr": lr, **more}
        return {"settings": settings, "validation": [0.0, validation], "loss": loss}

    runs = [run(0.1, 0.9, 0.3), run(0.1, 0.7, 0.3), run(0.3, 0.81, 0.5), run(0.3, 0.8, 0.5), run(1.0, 0.1, None)]
    assert nb.chosen(runs, "SGD") == 0.3
    assert nb.chosen([*runs, run(3.0, 0.805, 0.4)], "SGD") == 3.0
    assert nb.chosen([*runs, run(3.0, 0.805, None)], "SGD") == 0.3
    other = run(9.0, 1.0, 0.0, optimizer="Adam"), run(9.0, 1.0, 0.0, study="comparison")
    assert nb.chosen([*runs, *other], "SGD") == 0.3


def test_first_places_are_shares_and_a_clear_winner_has_all(nb: ModuleType) -> None:
    assert nb.first_places({"a": [0.9, 0.91], "b": [0.5, 0.6]}) == {"a": 1.0, "b": 0.0}
    even = nb.first_places({"a": [0.1, 0.2, 0.3], "b": [0.15, 0.21, 0.24]})
    assert sum(even.values()) == pytest.approx(1) and 0.2 < even["a"] < 0.8


# --- schedules ---------------------------------------------------------------------------------------------


def test_cosine_has_its_corners_and_no_jump(nb: ModuleType) -> None:
    @hypothesis.settings(deadline=None, max_examples=60)
    @hypothesis.given(st.integers(0, 9), st.integers(1, 20), st.floats(0.01, 2), st.floats(0, 1))
    def inner(warmup: int, length: int, base: float, share: float) -> None:
        end, final = warmup + length, base * share
        at = [nb.cosine(t / 4, base, final, warmup, end) for t in range(4 * end + 8)]
        assert at[4 * warmup] == pytest.approx(base) and at[4 * end :] == [pytest.approx(final)] * 8
        assert warmup == 0 or at[0] == 0
        assert all(a <= b for a, b in zip(at[: 4 * warmup], at[1 : 4 * warmup + 1], strict=False))
        assert all(a >= b - 1e-12 for a, b in zip(at[4 * warmup :], at[4 * warmup + 1 :], strict=False))

    inner()


def test_schedules_at_known_times(nb: ModuleType) -> None:
    assert [nb.multi_step(t, 0.5) for t in (0, 14.99, 15, 29.9, 30)] == [0.5, 0.5, 0.25, 0.25, 0.125]
    assert nb.square_root(3, 0.1) == pytest.approx(0.05) and nb.constant(7, 0.3) == 0.3
    assert [round(nb.warmup_cosine(t, 0.3), 6) for t in (0, 1, 5, 12.5, 20, 29)] == [0, 0.06, 0.3, 0.155, 0.01, 0.01]


def test_the_audit_notes_the_rate_of_each_step(nb: ModuleType) -> None:
    optimizer = nb.one_weight(0.5)
    used = nb.audit(optimizer)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.1)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    assert used == pytest.approx([0.5, 0.5, 0.05, 0.05])


def test_what_the_textbook_used_is_what_its_loops_do(schedules: ModuleType, nb: ModuleType) -> None:
    """The closed forms of schedules.py against the loops themselves."""
    optimizer = nb.one_weight(0.5)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [15, 30], gamma=0.5)
    for _ in range(30):
        optimizer.step()
        scheduler.step()
    used = nb.audit(optimizer)
    for _ in range(30):
        optimizer.step()
        scheduler.step()
    assert used == [schedules.printed_multi_step(t + 0.5, 0.5) for t in range(30)]
    for name in ("square root", "cosine", "warm-up + cosine"):
        wanted = [schedules.SCHEDULES[f"{name}, as printed"](t + 0.5, nb.BASE[name]) for t in range(30)]
        assert nb.in_the_books_loop(schedules.SCHEDULES[name], nb.BASE[name]) == pytest.approx(wanted), name


# --- the studies and their files ---------------------------------------------------------------------------


def test_the_study_sweeps_first_and_compares_at_the_chosen_rates(study: ModuleType) -> None:
    first = list(study.wanted([]))
    number = len(study.nb.INSTALLED)
    assert Counter(run["study"] for run in first) == {"sweep": 35 * number, "defaults": 20 * number, "transformer": 24}
    sweep = [run for run in first if run["study"] == "sweep"]
    done = [{"settings": run, "validation": [run["lr"]], "loss": 1.0} for run in sweep]
    compared = [run for run in study.wanted(done) if run["study"] == "comparison"]
    assert len(compared) == 20 * number and not {run["seed"] for run in compared} & {run["seed"] for run in sweep}
    assert all(run["lr"] == max(study.nb.rates(run["optimizer"])) for run in compared)


def test_test_is_read_for_chosen_settings_only() -> None:
    for run in results.study("optimizers"):
        assert ("test" in run) == (run["settings"]["study"] in ("comparison", "defaults", "cosine, comparison"))
    for run in results.study("schedules"):
        assert ("test" in run) == (run["settings"]["scale"] == "full")


@pytest.mark.parametrize("name", ["optimizers", "schedules"])
def test_the_record_has_runs_that_are_asked_for(name: str, study: ModuleType, schedules: ModuleType) -> None:
    runs = results.study(name)
    recorded = [json.dumps(run["settings"], sort_keys=True) for run in runs]
    wanted = {json.dumps(s, sort_keys=True) for s in (study if name == "optimizers" else schedules).wanted(runs)}
    if "Muon" in study.nb.INSTALLED:
        assert set(recorded) <= wanted
    assert len(set(recorded)) == len(recorded)


def test_every_sweep_is_complete_and_brackets_its_best_rate(nb: ModuleType) -> None:
    runs = results.study("optimizers")
    for name in nb.ORDER:
        own = results.select(runs, study="sweep", optimizer=name)
        assert len(own) == 35
        assert nb.chosen(runs, name) in nb.rates(name)[1:-1], name
        assert len(results.select(runs, study="comparison", optimizer=name)) == 20


def test_means_by_setting() -> None:
    runs = [{"settings": {"lr": lr, "base": 1}, "x": x} for lr, x in ((0.1, 1.0), (0.01, 5.0), (0.1, 2.0))]
    assert results.means(runs, lambda run: run["x"]) == {0.01: 5.0, 0.1: 1.5}
    assert results.means(runs, lambda run: run["x"], "base") == {1: pytest.approx(8 / 3)}
    assert math.isinf(results.means([*runs, {"settings": {"lr": 0.1}, "x": math.inf}], lambda run: run["x"])[0.1])


def test_training_follows_its_data_to_another_device(nb: ModuleType) -> None:
    model = LeNet(**nb.PIXELS).to("meta")
    optimizers = nb.OPTIMIZERS["momentum"](model, 0.1)
    nb.descend(optimizers, nn.functional.cross_entropy(model(torch.empty(4, 1, 28, 28, device="meta")),
                                                       torch.empty(4, dtype=torch.long, device="meta")))  # fmt: skip
    assert all(p.device.type == "meta" for p in model.parameters())
