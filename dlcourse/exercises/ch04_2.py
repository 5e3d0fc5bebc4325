"""Checks of the exercises of 4.2 Heads and positions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dlcourse.exercises.harness import Case, checks
from dlcourse.models import masked_softmax


@checks("04.2-by-hand")
def _by_hand(attempt: Any) -> Iterator[Case]:
    two, three, five = (2 * math.log(number) for number in (2, 3, 5))
    q = torch.tensor([[7.0, 1, 0, 2], [1, 0, 0, 0], [0, 1, 0, 0]])
    k = torch.tensor([[0, two, 5, 1], [three, 0, 1, 9], [4, five, 0, 3]])
    v = torch.tensor([[8.0, 0], [0, 8], [8, 8]])
    mask = torch.ones(3, 3, dtype=torch.bool).tril()

    def outputs(root: float, seen: Tensor, axis: int = -1) -> Tensor:
        return torch.softmax((q @ k.T / root).masked_fill(~seen, -torch.inf), axis) @ v

    raw = (q @ k.T / 2).masked_fill(~mask, 0)
    causes = {
        "Divide the scores by √4 = 2 before the softmax: 2 ln 3 becomes ln 3, and exp of it is 3.": outputs(1.0, mask),
        "Divide by √(d/h), which is 2, not by d/h.": outputs(4.0, mask),
        "A token sees only itself and those before it: token 1 has one weight, token 2 has two.": outputs(
            2.0, torch.ones_like(mask)
        ),
        "Each query has its own softmax, over the keys that it sees.": outputs(2.0, mask, 0),
        "The weights are exp(score) over their sum, not the scores themselves.": raw @ v,
        "Divide by the sum of the exponentials: the weights of a query add up to 1.": (raw.exp() * mask) @ v,
    }
    hint = "Token 3: its query picks the second number of each key, so the scores are ln 2, 0, ln 5; exp gives 2, 1, 5."
    right = outputs(2.0, mask)
    shown = "the three tokens"
    yield Case(shown, lambda: attempt, right.tolist(), hint, 1e-3, causes=causes, any_type=True)


class _Calls(TorchFunctionMode):
    """Counts the calls of PyTorch inside of a ``with``."""

    count = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


@checks("04.2-split")
def _split(attempt: Any) -> Iterator[Case]:
    def reference(x: Tensor, heads: int) -> tuple[Tensor, ...]:
        B, T, wide = x.shape
        return tuple(part.view(B, T, heads, wide // 3 // heads).transpose(1, 2) for part in x.chunk(3, -1))

    def viewed(x: Tensor, heads: int) -> tuple[Tensor, ...]:
        B, T, wide = x.shape
        return tuple(part.reshape(B, heads, T, wide // 3 // heads) for part in x.chunk(3, -1))

    def by_head(x: Tensor, heads: int) -> tuple[Tensor, ...]:
        B, T, _ = x.shape
        return tuple(x.view(B, T, heads, 3, -1).permute(3, 0, 2, 1, 4))

    def interleaved(x: Tensor, heads: int) -> tuple[Tensor, ...]:
        B, T, _ = x.shape
        return tuple(x.view(B, T, -1, heads, 3).permute(4, 0, 3, 1, 2))

    def strided(x: Tensor, heads: int) -> tuple[Tensor, ...]:
        B, T, wide = x.shape
        parts = x.chunk(3, -1)
        return tuple(part.reshape(B, T, wide // 3 // heads, heads).permute(0, 3, 1, 2) for part in parts)

    causes = {
        "A view as (B, heads, T, …) gives a head whole tokens. First (B, T, heads, …), then move the heads.": viewed,
        "First all queries, then all keys, then all values; the heads are inside of each.": by_head,
        "The three are side by side, d numbers each, not taken in turn.": interleaved,
        "A head takes neighbouring numbers, not every heads-th one.": strided,
    }
    hint = "The last axis, from the left: which of the three, which head, which number. Then heads before T."
    for B, T, d, heads in ((1, 3, 4, 1), (1, 2, 4, 2), (2, 3, 6, 3), (3, 2, 8, 4), (2, 5, 12, 2), (4, 1, 6, 6)):
        x = torch.arange(B * T * 3 * d, dtype=torch.float32).view(B, T, 3 * d)
        shown = f"x {tuple(x.shape)}, {heads} heads"
        yield Case(shown, attempt, reference, hint, args=(x, heads), gradient=(0,), causes=causes)

    def calls(B: int, T: int, heads: int) -> int:
        x = torch.zeros(B, T, 24)
        counter = _Calls()
        with counter:
            attempt(x, heads)
        return counter.count

    sizes = {"examples": (7, 3, 2), "positions": (2, 9, 2), "heads": (2, 3, 8)}  # against 2, 3 and 2
    for name, larger in sizes.items():
        shown = f"more {name}, does your code call PyTorch more often?"
        hint = f"It loops over the {name}: views and transposes do all of them at once."
        yield Case(shown, lambda *size: calls(*size) > calls(2, 3, 2), False, hint, args=larger)


@checks("04.2-offset")
def _offset(attempt: Any) -> Iterator[Case]:
    def reference(new: int, past: int) -> Tensor:
        return torch.arange(past + new) <= past + torch.arange(new).unsqueeze(1)

    def strict(new: int, past: int) -> Tensor:
        return torch.ones(new, past + new).tril(past - 1).bool()

    causes = {
        "A row sees itself too: the diagonal is True.": strict,
        "True means may be seen. This is the other way round.": lambda new, past: ~reference(new, past),
        "The first row stands at position `past`, not at 0: it sees all past words.": lambda new, past: (
            torch.ones(new, past + new).tril().bool()
        ),
        "A new word must not see the new words behind it.": lambda new, past: torch.ones(new, past + new).bool(),
    }
    hint = "Row i is the word at position past + i; it sees column j where j ≤ past + i."
    for new, past in ((3, 0), (1, 4), (1, 0), (2, 3), (3, 2), (4, 1), (5, 7), (3, 3)):
        yield Case(f"new {new}, past {past}", attempt, reference, hint, args=(new, past), causes=causes)


@checks("04.2-flops")
def _flops(attempt: Any) -> Iterator[Case]:
    def reference(T: int, S: int, d: int) -> int:
        return 4 * d * d * (T + S) + 4 * T * S * d

    causes = {
        "A multiplication and an addition count one each: twice the number of products.": lambda T, S, d: (
            reference(T, S, d) // 2
        ),
        "Keys and values are made for the S positions of the memory.": lambda T, S, d: 8 * T * d * d + 4 * T * S * d,
        "Two products have T · S: the scores, and the average of the values.": lambda T, S, d: (
            4 * d * d * (T + S) + 2 * T * S * d
        ),
        "The four matrices are part of the layer.": lambda T, S, d: 4 * T * S * d,
        "There is a fourth matrix, W_o, behind the heads.": lambda T, S, d: 2 * d * d * (T + 2 * S) + 4 * T * S * d,
    }
    hint = "W_q and W_o: T rows each; W_k and W_v: S rows each; a (d, d) matrix costs 2d² a row. Scores: 2·T·S·d."
    for T, S, d in ((1, 1, 1), (10, 10, 8), (1, 7, 4), (7, 1, 4), (3, 5, 16), (128, 64, 32), (1, 1024, 768)):
        yield Case(f"T {T}, S {S}, d {d}", attempt, reference, hint, args=(T, S, d), causes=causes)


@checks("04.2-rotary", no_loops=True)
def _rotary(attempt: Any) -> Iterator[Case]:
    def angles(positions: Tensor, d: int) -> Tensor:
        return positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)

    def turned(x: Tensor, angle: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)

    def reference(x: Tensor, positions: Tensor) -> Tensor:
        return turned(x, angles(positions, x.shape[-1]))

    def interleaved(x: Tensor, positions: Tensor) -> Tensor:
        d = x.shape[-1]
        mixed = torch.cat([x[..., 0::2], x[..., 1::2]], -1)
        a, b = turned(mixed, angles(positions, d)).chunk(2, -1)
        return torch.stack([a, b], -1).flatten(-2)

    def slow(x: Tensor, positions: Tensor) -> Tensor:
        d = x.shape[-1]
        return turned(x, positions.unsqueeze(-1) * 10000 ** (-torch.arange(d // 2) / d))

    causes = {
        "Number i belongs to number i + d/2: x.chunk(2, -1) gives the two halves.": interleaved,
        "Turn the other way: a becomes a cos − b sin.": lambda x, p: turned(x, -angles(p, x.shape[-1])),
        "The exponent of pair i is −2i/d, so that it runs from 0 nearly to −1.": slow,
        "The angle grows with the given position, not with the row.": lambda x, p: reference(x, torch.arange(len(p))),
        "All rows are turned by the angle of their own position.": lambda x, p: reference(x, p[:1].expand(len(p))),
    }
    one = torch.tensor([[1.0, 0.0]])
    hint = "d = 2 is one pair with speed 1: (1, 0) turned by 1 radian is (cos 1, sin 1)."
    yield Case("x [[1, 0]], position 1", attempt, reference, hint, args=(one, torch.tensor([1])), causes=causes)
    hint = "Position 0 turns nothing."
    yield Case("x (1, 4), position 0", attempt, reference, hint, args=(torch.randn(1, 4), torch.tensor([0])))
    hint = "Pair i is (x[…, i], x[…, i + d/2]), turned by positions · 10000^(−2i/d)."
    for shape in ((3, 4), (5, 8), (2, 3, 6), (2, 4, 5, 16)):
        x, positions = torch.randn(shape), torch.randint(50, (shape[-2],))
        shown = f"x {shape}, positions {positions.tolist()}"
        yield Case(shown, attempt, reference, hint, 1e-4, (x, positions), gradient=(0,), causes=causes)


@checks("04.2-bug")
def _bug(attempt: Any) -> Iterator[Case]:
    def version(root_of_head: bool, cut: bool, join: bool) -> Any:
        """Return attention that divides by √(d/heads), or √d, and cuts or joins the heads by a plain reshape."""

        def run(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
            B, T, d = q.shape
            apart = (B, T, heads, d // heads)
            q, k, v = (p.reshape(B, heads, T, -1) if cut else p.view(apart).transpose(1, 2) for p in (q, k, v))
            scores = q @ k.transpose(-1, -2) / (d / heads if root_of_head else d) ** 0.5
            outputs = (torch.softmax(scores, -1) if mask is None else masked_softmax(scores, mask)) @ v
            return outputs.reshape(B, T, d) if join else outputs.transpose(1, 2).flatten(2)

        return run

    reference = version(True, False, False)
    causes = {
        "The heads are still cut by reshape: (B, T, heads, d/heads) first, then heads before T.": version(
            True, True, True
        ),
        "The heads are cut rightly, but joined by a plain reshape: move T before heads first.": version(
            True, False, True
        ),
        "The heads are right now. Look at the scale: a head's dot product has d/heads terms.": version(
            False, False, False
        ),
        "The joining is right, the cutting is not: (B, T, heads, d/heads) first, then heads before T.": version(
            True, True, False
        ),
        "Nothing has changed yet: look at the two reshapes, and at the scale.": version(False, True, True),
        "Two things are left: the joining, and the scale √(d/heads).": version(False, False, True),
    }
    hint = "With one head it was right. What depends on the heads: cutting, joining, and one number more."
    for (B, T, d, heads), masked in itertools.product(
        ((1, 4, 8, 1), (1, 4, 8, 2), (2, 6, 12, 4), (3, 5, 8, 8)), (0, 1)
    ):
        q, k, v = (torch.randn(B, T, d) for _ in range(3))
        mask = torch.ones(T, T, dtype=torch.bool).tril() if masked else None
        shown = f"{heads} heads, q, k, v ({B}, {T}, {d}), {'causal' if masked else 'no'} mask"
        yield Case(shown, attempt, reference, hint, 1e-4, (q, k, v, heads, mask), (0, 1, 2), causes)
