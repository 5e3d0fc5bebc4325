from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from dlcourse.data import TensorLoader
from dlcourse.train import History, accuracy, count_parameters, evaluate, fit, predict


def problem(count: int = 60, batch: int = 16, shuffle: bool = True) -> TensorLoader:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 4, generator=generator)
    return TensorLoader(TensorDataset(x, (x.sum(1) > 0).long()), batch, shuffle=shuffle)


def network(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))


def run(model: nn.Module, data: TensorLoader, **options: Any) -> History:
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    settings = {"epochs": 3, "loss": F.cross_entropy, "progress": False, "device": "cpu", **options}
    return fit(model, data, optimizer=optimizer, **settings)


def test_same_weights_as_the_bare_loop() -> None:
    data, ours, bare = problem(), network(), network()
    torch.manual_seed(5)
    history = run(ours, data)
    torch.manual_seed(5)
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(3):
        total = 0.0
        for x, y in data:
            loss = F.cross_entropy(bare(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / 60)
    for a, b in zip(ours.parameters(), bare.parameters(), strict=True):
        assert torch.equal(a, b)
    assert history["train_loss"] == pytest.approx(losses, rel=1e-5)


def test_evaluate_weights_batches_by_size_and_restores_the_mode() -> None:
    data, model = problem(50, 16, shuffle=False), network(dropout=0.5)
    model.train()
    measured = evaluate(model, data, loss=F.cross_entropy, metrics={"accuracy": accuracy})
    assert model.training
    x, y = data.tensors
    model.eval()
    with torch.no_grad():
        output = model(x)
    assert measured["loss"] == pytest.approx(F.cross_entropy(output, y).item(), rel=1e-5)
    assert measured["accuracy"] == pytest.approx((output.argmax(1) == y).float().mean().item())
    assert all(p.grad is None for p in model.parameters())
    assert torch.allclose(predict(model, x, batch_size=7), output, atol=1e-6)


def test_weight_counts_tokens() -> None:
    target = torch.tensor([[1, 2, 0], [1, 0, 0]])
    data = [(torch.randn(1, 3, 4), target[:1]), (torch.randn(1, 3, 4), target[1:])]

    def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output.transpose(1, 2), y, ignore_index=0)

    model = nn.Linear(4, 3)
    both = tuple(torch.cat(parts) for parts in zip(*data, strict=True))
    whole = evaluate(model, [both], loss=loss)["loss"]
    assert evaluate(model, data, loss=loss, weight=lambda y: (y != 0).sum())["loss"] == pytest.approx(whole, rel=1e-5)


def test_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.scale * (a + b)

    a, b = torch.rand(20, 1), torch.rand(20, 1)
    data = TensorLoader(TensorDataset(a, b, 3 * (a + b)), 5)
    model = Sum()
    run(model, data, loss=F.mse_loss, epochs=60, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert model.scale.item() == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("clip", [None, 0.01])
def test_accumulated_batches_make_the_step_of_one_large_batch(clip: float | None) -> None:
    tokens = torch.randint(1, 3, (10, 5), generator=torch.Generator().manual_seed(0))
    tokens[2:7, 2:] = 0  # padding: batches of different weight
    inputs = torch.randn(10, 5, 4, generator=torch.Generator().manual_seed(1))

    def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output.transpose(1, 2), y, ignore_index=0)

    ends, rates = [], []
    for batch_size, accumulate in ((2, 3), (6, 1)):  # 3 + 2 batches, 6 + 4 sentences
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        data = TensorLoader(TensorDataset(inputs, tokens), batch_size)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.9)
        history = fit(
            model, data, epochs=3, loss=loss, optimizer=optimizer, scheduler=scheduler, schedule="batch", clip=clip,
            accumulate=accumulate, weight=lambda y: (y != 0).sum(), device="cpu", progress=False,
        )  # fmt: skip
        ends.append((model.weight.detach(), torch.tensor(history["train_loss"])))
        rates.append(optimizer.param_groups[0]["lr"])
    assert torch.allclose(ends[0][0], ends[1][0], atol=1e-6)
    assert rates == [pytest.approx(0.5 * 0.9**6)] * 2
    with pytest.raises(ValueError, match="at least 1"):
        run(network(), problem(), accumulate=0)


@pytest.mark.parametrize(("schedule", "steps"), [("epoch", 3), ("batch", 12)])
def test_scheduler_steps(schedule: str, steps: int) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    history = run(model, problem(), optimizer=optimizer, scheduler=scheduler, schedule=schedule)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.5**steps)
    assert history["lr"][0] == 1e-3


def test_after_each_epoch_its_row_is_handed_on() -> None:
    rows: list[Any] = []

    def look(row: Any) -> None:
        rows.append(dict(row))
        if row["epoch"] == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run(network(), problem(), epochs=5, after_epoch=look)
    assert [row["epoch"] for row in rows] == [1, 2] and rows[1]["train_loss"] < rows[0]["train_loss"]


def test_plateau_scheduler_gets_the_validation_loss() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.9)
    run(model, problem(), validation=problem(), optimizer=optimizer, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] < 1e-3


def test_clip_bounds_the_step() -> None:
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    run(model, problem(16), epochs=1, clip=1e-3, optimizer=optimizer)
    step = math.sqrt(sum((a - b).square().sum().item() for a, b in zip(before, model.parameters(), strict=True)))
    assert step == pytest.approx(1e-3, rel=1e-3)


def test_keep_best_puts_the_best_epoch_back() -> None:
    model, data = network(), problem()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0 if epoch < 2 else -3.0)
    options = {"optimizer": optimizer, "scheduler": scheduler, "validation": data, "epochs": 6}
    history = run(model, data, keep_best="val_loss", **options)
    assert history.best_epoch == min(range(1, 7), key=lambda epoch: history["val_loss"][epoch - 1])
    assert evaluate(model, data, loss=F.cross_entropy)["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_nan_stops_with_likely_causes(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    history = run(model, problem(), epochs=5, optimizer=optimizer)
    assert len(history.rows) < 5 and "learning rate" in history.stopped
    assert history.stopped in capsys.readouterr().out


def test_interrupt_leaves_model_and_history() -> None:
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return F.cross_entropy(output, target)

    history = run(network(), problem(), loss=loss)
    assert len(history.rows) == 1 and "Interrupted after 1 of 3" in history.stopped


def test_errors_name_the_fix() -> None:
    with pytest.raises(ValueError, match="'epoch' or 'batch'"):
        run(network(), problem(), schedule="step")
    with pytest.raises(ValueError, match="train_loss, lr"):
        run(network(), problem(), keep_best="val_accuracy")
    with pytest.raises(ValueError, match="no batch"):
        run(network(), problem(0))
    with pytest.raises(ValueError, match="no batch"):
        evaluate(network(), [], loss=F.cross_entropy)


def test_history_table() -> None:
    history = run(network(), problem(), validation=problem(), metrics={"accuracy": accuracy})
    lines = str(history.table()).splitlines()
    assert len(lines) == 4 and lines[0].split()[:4] == ["epoch", "train_loss", "val_loss", "val_accuracy"]
    assert repr(history) == str(history.table()) and "<table>" in history._repr_html_()
    assert str(History().table()) == "(no finished epoch)"
    assert count_parameters(network()) == 4 * 8 + 8 + 8 * 2 + 2


# --- what goes wrong in silence, or loudly and raw ---------------------------------------------------------


def test_the_table_marks_the_weights_that_were_kept() -> None:
    history = History([{"epoch": e, "val_loss": v} for e, v in ((1, 3.0), (2, 1.0), (3, 2.0), (4, 5.0))], best_epoch=2)
    lines = str(history.table(every=3)).splitlines()
    assert [line.split()[0] for line in lines] == ["epoch", "1", "2", "4"] and lines[2].endswith("← kept")
    assert history.kept["val_loss"] == 1.0 and History(history.rows).kept["val_loss"] == 5.0


def test_a_value_that_is_not_finite_is_never_the_best() -> None:
    values = iter([math.nan, math.inf, 0.5, 0.7])
    model, data = network(), problem()
    metric = {"odd": lambda output, target: torch.tensor(next(values))}
    history = run(model, data, validation=[data.tensors], metrics=metric, keep_best="val_odd", epochs=4)
    assert history.best_epoch == 4 and history.kept["val_odd"] == pytest.approx(0.7)


@pytest.mark.parametrize("keep_best", [None, "val_loss"])
@pytest.mark.parametrize("good", [0, 2])
def test_after_divergence_the_last_good_weights_are_back(keep_best: str | None, good: int) -> None:
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += torch.is_grad_enabled()
        return F.cross_entropy(output, target) * (math.nan if calls > 4 * good else 1)

    model, data, short = network(), problem(), network()
    first = copy.deepcopy(model.state_dict())
    torch.manual_seed(2)
    history = run(model, data, validation=data, loss=loss, epochs=5, keep_best=keep_best)
    torch.manual_seed(2)
    run(short, data, epochs=good, validation=data)
    want = short.state_dict() if good else first
    assert len(history.rows) == good and all(torch.equal(want[key], value) for key, value in model.state_dict().items())
    assert ("those of epoch 2" if good else "the first ones") in history.stopped


def test_an_optimizer_of_another_model_is_refused() -> None:
    model, other = network(), network()
    with pytest.raises(ValueError, match="no parameter of this model"):
        run(model, problem(), optimizer=torch.optim.SGD(other.parameters(), lr=0.1))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="frozen"):
        run(model, problem())
    model[3].requires_grad_(True)
    before = model[0].weight.clone()
    run(model, problem(), optimizer=torch.optim.SGD(model[3].parameters(), lr=0.1), epochs=1)
    assert torch.equal(model[0].weight, before)


def test_weights_that_the_last_step_spoils_are_not_kept() -> None:
    model, data = network(), problem(16)
    optimizer = torch.optim.SGD(model.parameters(), lr=math.inf)
    before = copy.deepcopy(model.state_dict())
    history = run(model, data, epochs=1, optimizer=optimizer)
    assert not history.rows and "the first ones" in history.stopped
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_scheduler_of_another_optimizer_is_refused() -> None:
    model = network()
    other = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="another optimizer"):
        run(model, problem(), scheduler=torch.optim.lr_scheduler.StepLR(other, 1))


@pytest.mark.parametrize("shape", [(6, 1), (6, 3), (5,), ()])
def test_accuracy_refuses_labels_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(6, 3\)"):
        accuracy(torch.rand(6, 3), torch.zeros(shape, dtype=torch.long))


def test_accuracy_refuses_a_single_score() -> None:
    with pytest.raises(ValueError, match="K > 1"):
        accuracy(torch.rand(6, 1), torch.zeros(6, dtype=torch.long))


def test_accuracy_of_sequences() -> None:
    scores = torch.eye(3).expand(2, 3, 3)
    assert accuracy(scores, torch.tensor([[0, 1, 2], [0, 1, 0]])).item() == pytest.approx(5 / 6)


def test_frozen_layers_stay_frozen() -> None:
    def frozen() -> nn.Sequential:
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)).train()
        model[1].eval()
        return model

    model, data = frozen(), problem()
    before = model[1].running_mean.clone()
    evaluate(model, data, loss=F.cross_entropy)
    predict(model, data.tensors[0])
    run(model, data, validation=data, epochs=2)
    assert [layer.training for layer in model] == [True, False, True, True]
    assert torch.equal(model[1].running_mean, before)
    model.eval()
    run(model, data, epochs=1)
    assert model[1].training and not torch.equal(model[1].running_mean, before)


def raw(dtype: torch.dtype = torch.float32, labels: torch.dtype = torch.long, count: int = 8) -> list[Any]:
    x = torch.randn(count, 4)
    return [(x.to(dtype), (x.sum(1) > 0).to(labels))]


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (raw(labels=torch.int32), r"y\.long\(\)"),
        (raw(labels=torch.float32), r"y\.long\(\)"),
        (raw(torch.float64), r"float64.*x\.float\(\)"),
        (raw(torch.long), r"whole numbers.*x\.float\(\)"),
        (raw(count=1), "drop_last"),
        ([(torch.randn(8, 4), torch.full((8,), 7))], "count from 0"),
    ],
)
def test_known_errors_of_a_batch_carry_their_fix(data: list[Any], hint: str) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    with pytest.raises((RuntimeError, ValueError, IndexError), match=f"(?s)Hint: .*{hint}"):
        run(model, data)


def test_an_empty_sentence_carries_its_fix() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(3, 2, batch_first=True)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.rnn(nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False))[1][0]

    with pytest.raises(RuntimeError, match="(?s)Hint: .*empty sentences"):
        run(Reader(), [(torch.rand(2, 4, 3), torch.tensor([3, 0]), torch.tensor([0, 1]))])


def test_an_unknown_error_stays_as_it_is() -> None:
    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="^something else$"):
        run(network(), problem(), loss=loss)


def test_data_that_can_be_read_once_and_a_loss_without_gradient_are_refused() -> None:
    with pytest.raises(ValueError, match="only once"):
        run(network(), iter(problem()))  # type: ignore[arg-type]
    assert len(run(network(), iter(problem()), epochs=1).rows) == 1  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no gradient"):
        run(network(), problem(), loss=lambda output, target: F.cross_entropy(output, target).detach())


def test_accuracy_refuses_one_score_a_row() -> None:
    with pytest.raises(ValueError, match=r"\(6, 1\) and \(6,\)"):
        accuracy(torch.rand(6, 1), torch.ones(6, dtype=torch.long))


def test_a_metric_named_loss_is_refused() -> None:
    with pytest.raises(ValueError, match='named "loss"'):
        run(network(), problem(), validation=problem(), metrics={"loss": accuracy})


def test_an_optimizer_made_before_a_layer_was_replaced_is_refused() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model[3] = nn.Linear(8, 2)
    with pytest.raises(ValueError, match="replaced"):
        run(model, problem(), optimizer=optimizer)


def test_weights_of_a_nan_gradient_are_not_kept() -> None:
    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output, target) + (output * 0).sum().sqrt()  # finite, with the gradient 0 · inf

    model = network()
    first = copy.deepcopy(model.state_dict())
    history = run(model, problem(16), loss=loss)
    assert all(torch.equal(first[key], value) for key, value in model.state_dict().items())
    assert not history.rows and "weights became NaN" in history.stopped and "the first ones" in history.stopped


def test_an_optimizer_that_holds_nan_is_refused() -> None:
    model, data = network(), problem()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run(model, data, optimizer=optimizer, loss=lambda output, target: F.cross_entropy(output, target) * math.nan)
    with pytest.raises(ValueError, match="make a new one"):
        run(model, data, optimizer=optimizer)


def test_a_mask_of_infinities_is_no_divergence() -> None:
    model = network()
    model.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    assert len(run(model, problem(), epochs=1).rows) == 1


def test_validation_that_can_be_read_once_is_refused() -> None:
    with pytest.raises(ValueError, match="only once"):
        run(network(), problem(), validation=iter(problem()))


def test_batches_without_weight_count_nothing() -> None:
    counts = iter([0, 16, 16, 12])
    assert math.isfinite(run(network(), problem(), epochs=1, weight=lambda y: next(counts))["train_loss"][0])
    with pytest.raises(ValueError, match="no batch of any weight"):
        run(network(), problem(), weight=lambda y: 0)


def test_predict_and_a_loss_of_many_numbers_carry_their_fix() -> None:
    with pytest.raises(RuntimeError, match=r"Hint: .*x\.float\(\)"):
        predict(network(), torch.rand(2, 4).double())
    with pytest.raises(RuntimeError, match="Hint: .*one number"):
        run(network(), problem(), loss=lambda output, target: F.cross_entropy(output, target, reduction="none"))
