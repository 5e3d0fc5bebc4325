"""Checks of the exercises of 3.1 Gated RNNs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dlcourse.exercises.harness import Case, checks


@checks("03.1-gru")
def _gru(attempt: Any) -> Iterator[Case]:
    one, big = torch.ones(1, 1), torch.tensor([50.0])
    zero = torch.zeros(3, 1)
    yield Case(
        "one unit, all weights 0, b_z = 50, h = 1",
        lambda: attempt(one.clone(), one.clone(), zero.clone(), zero.clone(), torch.cat([0 * big, big, 0 * big])),
        one,
        "Where z = 1 the old state stays: h' = z·h + (1 − z)·n; z is the second block.",
    )
    yield Case(
        "one unit, all weights 0, b_z = −50, b_n = 0.5",
        lambda: attempt(one.clone(), one.clone(), zero.clone(), zero.clone(), torch.cat([0 * big, -big, 0.01 * big])),
        torch.full((1, 1), math.tanh(0.5)),
        "Where z = 0 the candidate n = tanh(…) takes the place of the state.",
    )
    for batch, inputs, hidden in ((1, 2, 1), (4, 3, 5), (2, 6, 3)):
        x, h = torch.randn(batch, inputs), torch.randn(batch, hidden)
        W, U, b = torch.randn(3 * hidden, inputs), torch.randn(3 * hidden, hidden), torch.randn(3 * hidden)
        from_x = [x @ w.T + v for w, v in zip(W.chunk(3), b.chunk(3), strict=True)]
        U_r, U_z, U_n = U.chunk(3)
        r, z = (from_x[0] + h @ U_r.T).sigmoid(), (from_x[1] + h @ U_z.T).sigmoid()
        want = z * h + (1 - z) * (from_x[2] + (r * h) @ U_n.T).tanh()
        yield Case(
            f"x {tuple(x.shape)}, h {tuple(h.shape)}",
            lambda x=x, h=h, W=W, U=U, b=b: attempt(x.clone(), h.clone(), W.clone(), U.clone(), b.clone()),
            want,
            "The candidate reads U_n (r ⊙ h): first the gate, then the product h @ U.T. Each block is H rows: r, z, n.",
        )


@checks("03.1-perplexity")
def _perplexity(attempt: Any) -> Iterator[Case]:
    hints = {
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)): ((3, 3), "Certain and right every time: exp(0) = 1."),
        ((1.0, 2.0, 3.0), (4.0, 4.0, 4.0)): ((3, 3), "exp of the mean: not the mean of the exponentials, not base 2."),
        ((1.0, 9.0, 9.0), (3.0, 9.0, 9.0)): (
            (1, 1),
            "Position t (from 0) is real where t < length; leave the others out.",
        ),
        ((1.0, 1.0, 1.0), (4.0, 7.0, 7.0)): ((3, 1), "Divide the sum of all real tokens by their number, 4."),
    }
    for rows, (lengths, hint) in hints.items():
        total = sum(sum(row[:length]) for row, length in zip(rows, lengths, strict=True))
        nll, real = torch.tensor(rows), torch.tensor(lengths)
        yield Case(
            f"nll {[list(row) for row in rows]}, lengths {list(lengths)}",
            lambda nll=nll, real=real: float(attempt(nll.clone(), real.clone())),
            math.exp(total / sum(lengths)),
            hint,
        )


@checks("03.1-temperature")
def _temperature(attempt: Any) -> Iterator[Case]:
    scores = torch.tensor([[0.0, math.log(3.0)], [1.0, 1.0]])
    cases = {
        1.0: (torch.tensor([[0.25, 0.75], [0.5, 0.5]]), "At temperature 1 it is softmax over the last axis."),
        0.5: (torch.tensor([[0.1, 0.9], [0.5, 0.5]]), "Divide the scores by the temperature before softmax."),
        1e6: (torch.full((2, 2), 0.5), "A very high temperature makes all equally likely."),
    }
    for temperature, (want, hint) in cases.items():
        yield Case(
            f"scores [[0, ln 3], [1, 1]], temperature {temperature:g}",
            lambda temperature=temperature: attempt(scores.clone(), temperature),
            want,
            hint,
        )
    large = torch.tensor([[1000.0, 1001.0, 900.0], [1.0, 0.0, -99.0]])
    one, other = 1 / (1 + math.exp(10)), 1 / (1 + math.exp(-10))
    yield Case(
        "scores [[1000, 1001, 900], [1, 0, −99]], temperature 0.1",
        lambda: attempt(large.clone(), 0.1),
        torch.tensor([[one, other, 0.0], [other, one, 0.0]]),
        "exp(10010) is infinite: torch.softmax takes the largest score of each row out first.",
    )
    yield Case(
        "scores [[1000, 1001, 900], [1, 0, −99]], temperature 0",
        lambda: attempt(large.clone(), 0),
        torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        "Dividing by 0 gives no number. The limit has probability 1 at the argmax of each row and 0 elsewhere.",
    )


@checks("03.1-params")
def _params(attempt: Any) -> Iterator[Case]:
    hints = {
        (28, 256, 1, False): "Four blocks, each with W (H, D), U (H, H) and two biases (H).",
        (3, 5, 3, False): "From the second layer on, the inputs are the H outputs of the layer below.",
        (3, 5, 1, True): "The second direction has weights of its own: twice as many.",
        (3, 5, 3, True): "From the second layer on, each direction reads the outputs of both: 2H inputs.",
    }
    for case, hint in hints.items():
        inputs, hidden, layers, both = case
        layer = nn.LSTM(inputs, hidden, layers, bidirectional=both, device="meta")
        yield Case(
            f"inputs {inputs}, hidden {hidden}, layers {layers}, bidirectional {both}",
            lambda case=case: attempt(*case),
            sum(p.numel() for p in layer.parameters()),
            hint,
        )


@checks("03.1-last")
def _last(attempt: Any) -> Iterator[Case]:
    hints = {
        (
            4,
            4,
        ): "The forward half [..., :H] has read everything at the last step, the backward half [..., H:] at step 0.",
        (4, 2, 1): "Row i ends at step lengths[i] − 1; what stands behind it is padding.",
        (1, 6, 3, 5): "Row i ends at step lengths[i] − 1; index rows and steps together.",
    }
    for lengths, hint in hints.items():
        layer, real = nn.GRU(2, 3, batch_first=True, bidirectional=True), torch.tensor(lengths)
        with torch.no_grad():
            packed = pack_padded_sequence(
                torch.randn(len(lengths), max(lengths), 2), real, batch_first=True, enforce_sorted=False
            )
            outputs, last = layer(packed)
        outputs = pad_packed_sequence(outputs, batch_first=True)[0]
        yield Case(
            f"outputs {tuple(outputs.shape)}, lengths {list(lengths)}",
            lambda outputs=outputs, real=real: attempt(outputs.clone(), real.clone()),
            torch.cat([last[0], last[1]], -1),
            hint,
        )
