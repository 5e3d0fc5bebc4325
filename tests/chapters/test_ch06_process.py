"""What notebook 6.1 builds: the network with its switches, the shift, the schedule, the log of norms; and its study."""

from __future__ import annotations

import runpy
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlcourse import models, results
from dlcourse.authoring import definitions, studies

FOLDER = definitions.ROOT / "06_tuning"


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(FOLDER / "01_tuning_process.ipynb")


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    pytest.importorskip("optuna")
    return runpy.run_path(str(FOLDER / "process_study.py"), run_name="study")


def test_all_switches_off_is_the_lenet_of_chapter_02(nb: ModuleType) -> None:
    torch.manual_seed(0)
    ours = nb.build(nb.DEFAULT).train()
    torch.manual_seed(0)
    theirs = models.LeNet(mean=0.13, std=0.31)
    x = torch.rand(5, 1, 28, 28)
    assert torch.equal(ours(x), theirs(x))
    assert sum(p.numel() for p in ours.parameters()) == 61_706


def test_normalisation_stands_before_each_hidden_relu_and_dropout_behind(nb: ModuleType) -> None:
    layers = nb.build(nb.DEFAULT | {"norm": True, "dropout": 0.5})[1].layers
    kinds = [type(layer).__name__ for layer in layers]
    assert [kinds[i + 1] for i, kind in enumerate(kinds) if kind.startswith("BatchNorm")] == ["ReLU"] * 4
    assert [kinds[i - 1] for i, kind in enumerate(kinds) if kind == "Dropout"] == ["ReLU"] * 2
    assert sum(kind == "Dropout" for kind in kinds) == 2


@pytest.mark.parametrize("far", [0, 1, 3])
def test_shift_moves_whole_pictures_and_only_in_training(nb: ModuleType, far: int) -> None:
    torch.manual_seed(0)
    x = torch.zeros(200, 1, 28, 28)
    x[:, :, 10:18, 12:16] = torch.rand(200, 1, 8, 4) + 0.1
    layer = nb.Shift(far)
    moved = layer.train()(x)
    assert moved.shape == x.shape and torch.allclose(moved.sum((1, 2, 3)), x.sum((1, 2, 3)))
    seen = {tuple((m[0] > 0).nonzero()[0].tolist()) for m in moved}
    assert seen == {(10 + i, 12 + j) for i in range(-far, far + 1) for j in range(-far, far + 1)}
    assert torch.equal(layer.eval()(x), x)


def test_the_rate_rises_then_stays_or_falls_to_zero(nb: ModuleType) -> None:
    flat = nb.rate({"warmup": 4, "schedule": "constant"}, 100)
    assert [flat(t) for t in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    line = nb.rate({"warmup": 0, "schedule": "linear"}, 100)
    assert [line(t) for t in (0, 50, 99)] == pytest.approx([1, 0.5, 0.01])


def test_norms_are_logged_before_clipping(nb: ModuleType) -> None:
    model = nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    norms = nb.watch(optimizer, model, 0.5)
    for size in (0.3, 4.0):
        before = model.weight.detach().clone()
        model.weight.grad = torch.tensor([[size, 0.0, 0.0]])
        optimizer.step()
        assert (before - model.weight).norm().item() == pytest.approx(min(size, 0.5), rel=1e-4)
    assert [norm.item() for norm in norms] == pytest.approx([0.3, 4.0])


def test_splits_leave_the_test_digits_out_and_differ(nb: ModuleType) -> None:
    from dlcourse import data

    test = {x.numpy().tobytes() for x in data.mnist("quick").test.tensors[0]}
    first, second = nb.split(0), nb.split(1)
    for part in (first, second):
        train, validation = ({x.numpy().tobytes() for x in part[name].tensors[0]} for name in ("train", "validation"))
        assert (len(part["train"]), len(part["validation"])) == (500, 1000)
        assert not train & validation and not (train | validation) & test
    assert not torch.equal(first["train"].tensors[1], second["train"].tensors[1])


def test_the_network_runs_on_a_device_that_has_no_numbers(nb: ModuleType) -> None:
    model = nb.build(nb.DEFAULT | {"norm": True, "dropout": 0.1, "shift": 2}).to("meta").train()
    loss = F.cross_entropy(model(torch.zeros(4, 1, 28, 28, device="meta")), torch.zeros(4, dtype=int, device="meta"))
    loss.backward()
    assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())


def test_a_run_is_the_same_again_and_depends_on_its_seed(nb: ModuleType) -> None:
    digits = nb.split()
    few = {name: torch.utils.data.TensorDataset(*(t[:64] for t in part.tensors)) for name, part in digits.items()}
    ends = [nb.train({"epochs": 1, "shift": 1}, start, few)[1]["val_loss"][-1] for start in (0, 0, 1)]
    assert ends[0] == ends[1] != ends[2]


def test_isolated_takes_the_best_of_each_slice(nb: ModuleType) -> None:
    trials = [{"settings": {"shift": i % 3, "lr": float(i)}, "error": abs(i - 7) / 100} for i in range(15)]
    assert nb.isolated(trials, "shift") == ([0, 1, 2], pytest.approx([1, 0, 1]))
    assert nb.isolated(trials, "lr") == ([2.0, 5.0, 7.0, 9.0, 12.0], pytest.approx([5, 2, 0, 2, 5]))


def test_the_interval_is_that_of_paired_gains(nb: ModuleType) -> None:
    mean, low, high = nb.interval([5.0, 9.0, 7.0], [4.0, 8.0, 6.0])
    assert (mean, low, high) == pytest.approx((1.0, 1.0, 1.0))


def test_points_lie_in_the_space_and_do_not_change(study: dict[str, Any]) -> None:
    found = study["points"]("trial")
    low, high = study["WIDE"]
    assert all(low <= p["lr"] <= high and 0 <= p["dropout"] <= 0.6 and p["shift"] in range(5) for p in found)
    assert len({p["lr"] for p in found}) == len(found) == study["POINTS"]["trial"]


def test_the_study_wants_what_the_record_has(study: dict[str, Any]) -> None:
    """Each recorded run is one that the script would make; trials may have other points under another SciPy."""
    runs = results.study("process")
    wanted = {studies._key(settings) for settings in study["wanted"](runs)}
    kinds = ("trial", "narrow", "short", "again", "final")
    strange = [run["settings"] for run in runs if studies._key(run["settings"]) not in wanted]
    assert not [settings for settings in strange if settings["study"] not in kinds]


def test_candidates_differ_in_what_their_names_say() -> None:
    runs = results.select(results.study("process"), study="final", seed=100)
    sets = {
        run["settings"]["name"]: {k: v for k, v in run["settings"].items() if k not in ("study", "name", "seed")}
        for run in runs
    }
    assert len(sets) == 10 and sets["default"] == {} and sets["default, rate 0.004"] == {"lr": 0.004}
    recipe = sets["recipe of 2.2"]
    assert sets["recipe + shift"] == recipe | {"shift": 2}
    assert sets["recipe + shift, normalisation"] == recipe | {"shift": 2, "norm": True}
    assert set(sets["+ normalisation"]) == {"norm", "lr"}
    assert set(sets["+ normalisation, decay"]) == {"norm", "lr", "schedule"}
    assert sets["+ shift"] == sets["+ normalisation, decay"] | {"shift": 2}


def test_fresh_seeds_have_chosen_nothing(study: dict[str, Any]) -> None:
    runs = results.study("process")
    choosers = {
        run["settings"]["seed"] for run in runs if run["settings"]["study"] in ("sweep", "cure", "decay", "trial")
    }
    kinds = ("fresh cure", "fresh batch", "clip", "warm-up", "final")
    assert not choosers & {run["settings"]["seed"] for run in runs if run["settings"]["study"] in kinds}
    cured = results.select(runs, study="fresh cure", lr=0.016)
    assert {run["settings"]["seed"] for run in cured} == set(study["FRESH"]) and len(cured) == 4 * len(study["FRESH"])


def test_the_gallery_has_one_run_for_each_panel(study: dict[str, Any]) -> None:
    runs = results.select(results.study("process"), study="gallery")
    assert sorted(run["settings"]["panel"] for run in runs) == sorted(study["PANELS"])
