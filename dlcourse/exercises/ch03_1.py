"""Checks of the exercises of 3.1 Gated RNNs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks


@checks("03.1-gru")
def _gru(attempt: Any) -> Iterator[Case]:
    def parts(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> list[Tensor]:
        from_x, (U_r, U_z, U_n) = (x @ W.T + b).chunk(3, -1), U.chunk(3)
        r, z = (from_x[0] + h @ U_r.T).sigmoid(), (from_x[1] + h @ U_z.T).sigmoid()
        after = (from_x[2] + (r * h) @ U_n.T).tanh()
        before = (from_x[2] + r * (h @ U_n.T)).tanh()
        return [z, after, before]

    def reference(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
        z, n, _ = parts(x, h, W, U, b)
        return z * h + (1 - z) * n

    def late_reset(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
        z, _, n = parts(x, h, W, U, b)
        return z * h + (1 - z) * n

    def swapped(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
        z, n, _ = parts(x, h, W, U, b)
        return (1 - z) * h + z * n

    biases = {
        (0.0, 50.0, 0.0): "Where z = 1 the old state stays: h' = z·h + (1 − z)·n; z is the second block.",
        (0.0, -50.0, 0.5): "Where z = 0 the candidate n = tanh(…) takes the place of the state.",
    }
    for bias, hint in biases.items():
        args = (torch.ones(1, 1), torch.ones(1, 1), torch.zeros(3, 1), torch.zeros(3, 1), torch.tensor(bias))
        yield Case(f"one unit, all weights 0, b = {list(bias)}, h = 1", attempt, reference, hint, args=args)
    hint = (
        "Each block is H rows, in the order r, z, n; every block has its part of b. r and z are sigmoids, n is a tanh."
    )
    causes = {
        "The candidate reads U_n (r ⊙ h): first the gate, then the product. This is PyTorch's placement.": late_reset,
        "z is the share of the old state: h' = z·h + (1 − z)·n.": swapped,
    }
    for batch, inputs, hidden in ((1, 2, 1), (4, 3, 5), (2, 6, 3), (1, 4, 4), (3, 1, 2)):
        x, h = torch.randn(batch, inputs), torch.randn(batch, hidden)
        args = (x, h, torch.randn(3 * hidden, inputs), torch.randn(3 * hidden, hidden), torch.randn(3 * hidden))
        shown = f"x {tuple(x.shape)}, h {tuple(h.shape)}"
        yield Case(shown, attempt, reference, hint, 1e-4, args, gradient=True, causes=causes)


@checks("03.1-perplexity")
def _perplexity(attempt: Any) -> Iterator[Case]:
    def reference(nll: Tensor, lengths: Tensor) -> float:
        rows = zip(nll.double().tolist(), lengths.tolist(), strict=True)
        return math.exp(sum(sum(row[:length]) for row, length in rows) / int(lengths.sum()))

    def shifted(nll: Tensor, lengths: Tensor) -> Tensor:
        real = torch.arange(nll.shape[1]) <= lengths[:, None]
        return (nll[real].sum() / lengths.sum()).exp()

    def of_sentences(nll: Tensor, lengths: Tensor) -> Tensor:
        return torch.stack([row[:n].mean().exp() for row, n in zip(nll, lengths.tolist(), strict=True)]).mean()

    causes = {
        "Position t (from 0) is real where t < length.": shifted,
        "Every token counts the same; this is the mean of the sentences' perplexities.": of_sentences,
        "Leave out what stands behind the real tokens.": lambda nll, lengths: nll.mean().exp(),
        "Divide by the number of real tokens, not of all positions.": lambda nll, lengths: torch.exp(
            sum((row[:n].sum() for row, n in zip(nll, lengths.tolist(), strict=True)), torch.zeros(())) / nll.numel()
        ),
        "The negative log-probabilities are in nats: the base is e, not 2.": lambda nll, lengths: math.pow(
            2, math.log(reference(nll, lengths))
        ),
    }
    inf, nan = math.inf, math.nan
    fixed: list[tuple[list[list[float]], list[int], str]] = [
        ([[0, 0, 0], [0, 0, 0]], [3, 3], "Certain and right every time: exp(0) = 1."),
        ([[1, 2, 3], [4, 4, 4]], [3, 3], "exp of the mean, not the mean of the exponentials."),
        ([[1, 9, 9], [3, 9, 9]], [1, 1], "Position t (from 0) is real where t < length; leave the others out."),
        ([[1, 1, 1], [4, 7, 7]], [3, 1], "Divide the sum of all real tokens by their number, 4."),
        ([[0, 2, 0, 9]], [3], "A real token may have nll 0: it was certain. It counts."),
        (
            [[1, 2], [3, inf], [2, nan]],
            [2, 1, 1],
            "Padding may hold anything: ∞ · 0 is NaN, so select or use torch.where.",
        ),
    ]
    for rows, real, hint in fixed:
        args = (torch.tensor(rows, dtype=torch.float32), torch.tensor(real))
        shown = f"nll {rows}, lengths {real}"
        yield Case(shown, attempt, reference, hint, args=args, causes=causes, any_type=True)
    hint = (
        "exp(sum of the real tokens' nll / number of real tokens). Add up first: a product of exponentials overflows."
    )
    for batch, steps in ((1, 7), (5, 2), (4, 6), (3, 300)):
        lengths = torch.randint(1, steps + 1, (batch,))
        args = (3 + 2 * torch.rand(batch, steps), lengths)
        shown = f"nll {(batch, steps)}, lengths {lengths.tolist()}"
        yield Case(shown, attempt, reference, hint, 1e-4, args, causes=causes, any_type=True)


@checks("03.1-temperature")
def _temperature(attempt: Any) -> Iterator[Case]:
    def reference(scores: Tensor, temperature: float) -> Tensor:
        if temperature == 0:
            return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)
        return torch.softmax(scores / temperature, -1)

    causes = {
        "Divide by the temperature, do not multiply.": lambda scores, t: torch.softmax(scores * t, -1),
        "Each row is a distribution of its own: softmax over the last axis.": lambda scores, t: torch.softmax(
            scores / max(t, 1e-6), 0
        ),
    }
    small = torch.tensor([[0.0, math.log(3.0)], [1.0, 1.0]])
    hints = {
        1.0: "At temperature 1 it is softmax over the last axis.",
        0.5: "Divide the scores by the temperature before softmax.",
        1e6: "A very high temperature makes all equally likely.",
    }
    for temperature, hint in hints.items():
        shown = f"scores [[0, ln 3], [1, 1]], temperature {temperature:g}"
        yield Case(shown, attempt, reference, hint, args=(small, temperature), causes=causes)
    hint = "Divide the scores by the temperature, then softmax over each row."
    for shape in ((1, 5), (3, 4), (4, 3), (2, 1)):
        for temperature in (0.3, 2.5):
            args: tuple[Any, ...] = (2 * torch.randn(shape), temperature)
            yield Case(f"scores {shape}, temperature {temperature}", attempt, reference, hint, args=args, causes=causes)
    hint = "A small temperature counts too: it has no lower bound."
    for unit in (0.01, 1e-4, 1e-7):
        args = (torch.tensor([[0.0, unit, -2 * unit]]), unit)
        yield Case(f"scores [[0, {unit:g}, {-2 * unit:g}]], temperature {unit:g}", attempt, reference, hint, args=args)
    large = torch.tensor([[1000.0, 1001.0, 900.0], [1.0, 0.0, -99.0]])
    shown = "scores [[1000, 1001, 900], [1, 0, −99]], temperature"
    hint = "exp(10010) is infinite: torch.softmax takes the largest score of each row out first."
    yield Case(f"{shown} 0.1", attempt, reference, hint, 2e-3, (large, 0.1))  # float32 holds 10010 to 0.001
    hint = "Dividing by 0 gives no number. The limit has probability 1 at the argmax of each row and 0 elsewhere."
    causes = {"Each row has its own largest score.": lambda scores, t: (scores == scores.max()).float()}
    yield Case(f"{shown} 0", attempt, reference, hint, args=(large, 0), causes=causes)
    for shape in ((1, 4), (4, 2), (3, 6)):
        args = (torch.randn(shape) - 5, 0.0)
        yield Case(f"scores {shape}, temperature 0.0", attempt, reference, hint, args=args, causes=causes)
    hint = "The limit is exact: the largest score gets all probability, however near the next one is."
    yield Case(
        "scores [[1, 1 + 2⁻²³]], temperature 0", attempt, reference, hint, args=(torch.tensor([[1, 1 + 2**-23]]), 0)
    )


@checks(
    "03.1-params",
    forbid=(
        "torch.nn.LSTM",
        "torch.nn.LSTMCell",
        "torch.nn.modules.rnn.RNNBase.__init__",
        "torch.nn.modules.rnn.RNNCellBase.__init__",
    ),
)
def _params(attempt: Any) -> Iterator[Case]:
    def reference(inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False) -> int:
        layer = nn.LSTM(inputs, hidden, layers, bidirectional=bidirectional, device="meta")
        return sum(p.numel() for p in layer.parameters())

    def one_bias(inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False) -> int:
        return reference(inputs, hidden, layers, bidirectional) - layers * (1 + bidirectional) * 4 * hidden

    def same_inputs(inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False) -> int:
        return layers * reference(inputs, hidden, 1, bidirectional)

    def one_direction(inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False) -> int:
        return (1 + bidirectional) * reference(inputs, hidden, layers)

    up = "From the second layer on, the inputs are the outputs of the layer below: H numbers, 2H of both directions."
    causes = {
        "nn.LSTM keeps two bias vectors: one beside W, one beside U.": one_bias,
        up: same_inputs,
        "From the second layer on, each direction reads the outputs of both: 2H inputs.": one_direction,
    }
    hints = {
        (28, 256, 1, False): "Four blocks, each with W (H, D), U (H, H) and two biases (H).",
        (3, 5, 3, False): up,
        (3, 5, 1, True): "The second direction has weights of its own: twice as many.",
        (3, 5, 3, True): up,
        (4, 2, 2, False): up,
        (7, 1, 2, True): up,
        (1, 6, 5, True): up,
        (2, 2, 4, False): up,
    }
    for args, hint in hints.items():
        shown = "inputs {}, hidden {}, layers {}, bidirectional {}".format(*args)
        yield Case(shown, attempt, reference, hint, args=args, causes=causes)
    hint = "The defaults are one layer and one direction."
    yield Case("inputs 4, hidden 3 and the defaults", attempt, reference, hint, args=(4, 3))
    yield Case("inputs 4, hidden 3, layers 2 and one direction by default", attempt, reference, hint, args=(4, 3, 2))


@checks("03.1-last")
def _last(attempt: Any) -> Iterator[Case]:
    def states(outputs: Tensor, forward: Any, backward: Any) -> Tensor:
        hidden, rows = outputs.shape[-1] // 2, torch.arange(len(outputs))
        return torch.cat([outputs[rows, forward, :hidden], outputs[rows, backward, hidden:]], -1)

    def reference(outputs: Tensor, lengths: Tensor) -> Tensor:
        return states(outputs, lengths - 1, 0)

    causes = {
        "The backward layer begins at the last element, so it has read everything at step 0.": (
            lambda outputs, lengths: states(outputs, lengths - 1, lengths - 1)
        ),
        "Behind step lengths[i] − 1 stands padding: row i ends there.": lambda outputs, _: states(outputs, -1, 0),
        "Steps count from 0: row i ends at step lengths[i] − 1.": (
            lambda outputs, lengths: states(outputs, lengths.clamp(max=outputs.shape[1] - 1), 0)
        ),
        "The forward half comes first, in the outputs and in the answer.": (
            lambda outputs, lengths: reference(outputs, lengths).roll(outputs.shape[-1] // 2, -1)
        ),
    }
    cases = {
        (
            4,
            4,
        ): "The forward half [..., :H] has read everything at the last step, the backward half [..., H:] at step 0.",
        (4, 2, 1): "Row i ends at step lengths[i] − 1; what stands behind it is padding.",
        (1, 6, 3, 5): "Row i ends at step lengths[i] − 1; index rows and steps together.",
        (3,): "The answer of one sentence has the shape (1, 2H).",
        (1, 1, 1): "A sentence of one element ends at step 0.",
        (2, 5, 1, 4, 3): "Row i ends at step lengths[i] − 1; index rows and steps together.",
    }
    for (lengths, hint), hidden in zip(cases.items(), (3, 1, 2, 4, 5, 3), strict=True):
        outputs = torch.randn(len(lengths), max(lengths) + len(lengths) % 2, 2 * hidden)
        args = (outputs, torch.tensor(lengths))
        shown = f"outputs {tuple(outputs.shape)}, lengths {list(lengths)}"
        yield Case(shown, attempt, reference, hint, args=args, gradient=(0,), causes=causes)
    outputs, length = torch.randn(3, 5, 4), torch.tensor([4, 2, 3])
    outputs[torch.arange(5) >= length[:, None]] = 0  # as pad_packed_sequence pads
    outputs[:, 1] = 0
    hint = "Take the lengths from `lengths`: a real state may be 0, and padding need not be."
    shown = "outputs (3, 5, 4) with zeros at some real steps, lengths [4, 2, 3]"
    yield Case(shown, attempt, reference, hint, args=(outputs, length), gradient=(0,), causes=causes)
