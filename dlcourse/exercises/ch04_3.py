"""Checks of the exercises of 4.3 The Transformer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks
from dlcourse.models import MultiHeadAttention, masked_softmax


@checks("04.3-mask")
def _mask(attempt: Any) -> Iterator[Case]:
    def reference(tokens: Tensor) -> Tensor:
        T = tokens.shape[1]
        return (tokens != 0)[:, None, None] & torch.ones(T, T, dtype=torch.bool).tril()

    def rows(tokens: Tensor) -> Tensor:
        T = tokens.shape[1]
        return (tokens != 0)[:, None, :, None] & torch.ones(T, T, dtype=torch.bool).tril()

    def either(tokens: Tensor) -> Tensor:
        T = tokens.shape[1]
        return (tokens != 0)[:, None, None] | torch.ones(T, T, dtype=torch.bool).tril()

    def ahead(tokens: Tensor) -> Tensor:
        T = tokens.shape[1]
        return (tokens != 0)[:, None, None] & torch.ones(T, T, dtype=torch.bool).triu()

    def strict(tokens: Tensor) -> Tensor:
        T = tokens.shape[1]
        return (tokens != 0)[:, None, None] & torch.ones(T, T, dtype=torch.bool).tril(-1)

    causes = {
        "Padding is hidden as a key, so it empties a column, not a row.": rows,
        "Both must hold: real and not later, so & and not |.": either,
        "Row i sees the columns up to i: the lower triangle.": ahead,
        "A word may see itself: the diagonal stays.": strict,
        "True means may be seen; yours is the other way round.": lambda tokens: ~reference(tokens),
        "The future is still visible.": lambda tokens: (tokens != 0)[:, None, None].expand(reference(tokens).shape),
        "The padding is still visible.": lambda tokens: reference(torch.ones_like(tokens)),
    }
    hint = "(tokens != 0) as (B, 1, 1, T) says which keys are real; a (T, T) lower triangle says which are not later."
    examples = ([[7]], [[5, 9, 4]], [[5, 0, 4]], [[0, 6, 6]], [[8, 7, 6, 0, 0], [8, 0, 9, 4, 1]], [[4, 3, 0, 0]] * 3)
    for rows_of_tokens in examples:
        tokens = torch.tensor(rows_of_tokens)
        yield Case(f"tokens {rows_of_tokens}", attempt, reference, hint, args=(tokens,), causes=causes)

    def stays(tokens: Tensor) -> bool:
        """Whether the mask is where the tokens are, and these are not on the default device."""
        try:
            return bool(attempt(tokens.to("meta")).device.type == "meta")
        except Exception:  # it may be an answer that looks at single tokens: on "meta" they have no values
            with torch.device("meta"):
                return bool(attempt(tokens).device == tokens.device)

    shown = "tokens that are not on the default device (is the mask on theirs?)"
    hint = "Make each tensor on the device of the tokens: torch.ones(…, device=tokens.device)."
    yield Case(shown, stays, True, hint, args=(torch.tensor([[5, 0, 4], [3, 2, 1]]),))


@checks(
    "04.3-smoothing",
    forbid=(
        "torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss", "torch.nn.functional.kl_div",
        "torch.nn.CrossEntropyLoss", "torch.nn.NLLLoss", "torch.nn.KLDivLoss", "torch.kl_div",
    ),
)  # fmt: skip
def _smoothing(attempt: Any) -> Iterator[Case]:
    def reference(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        log_p = logits.log_softmax(-1)
        right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)
        return -((1 - smoothing) * right + smoothing * log_p.mean(-1)).mean()

    def others_only(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        V = logits.shape[1]
        q = torch.full_like(logits, smoothing / (V - 1)).scatter(1, target.unsqueeze(1), 1 - smoothing)
        return -(q * logits.log_softmax(-1)).sum(-1).mean()

    def summed(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        log_p = logits.log_softmax(-1)
        right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)
        return -((1 - smoothing) * right + smoothing * log_p.sum(-1)).mean()

    causes = {
        "ε is spread over all V words, the right one included: it has 1 − ε + ε/V.": others_only,
        "Each word gets ε/V: the mean of ln p, not the sum.": summed,
        "Where is the smoothing? This is the plain loss.": lambda logits, target, _: reference(logits, target, 0.0),
        "The loss is minus the sum: it cannot be negative.": lambda *args: -reference(*args),
        "The mean over the N examples, not the sum.": lambda logits, *rest: len(logits) * reference(logits, *rest),
        "The right word has 1 − ε of its own; the rest is ε.": lambda logits, target, smoothing: reference(
            logits, target, 1 - smoothing
        ),
    }
    hint = "−Σ q ln p with q = ε/V everywhere, and 1 − ε more at the right word; then the mean over N."
    for N, V, smoothing in ((1, 2, 0.1), (3, 5, 0.1), (4, 7, 0.0), (2, 3, 1.0), (6, 50, 0.3)):
        logits, target = torch.randn(N, V), torch.randint(V, (N,))
        shown = f"logits ({N}, {V}), smoothing {smoothing}"
        yield Case(shown, attempt, reference, hint, 1e-5, (logits, target, smoothing), (0,), causes)
    large = torch.tensor([[1000.0, 0.0, -1000.0], [0.0, 1000.0, 0.0]])
    hint = "log_softmax subtracts the largest logit first; softmax(...).log() gives −∞ here."
    yield Case("logits of size 1,000", attempt, reference, hint, 1e-4, (large, torch.tensor([0, 2]), 0.1), (0,))


@checks("04.3-warmup")
def _warmup(attempt: Any) -> Iterator[Case]:
    def reference(peak: float, d: int) -> int:
        return round(1 / (d * peak**2))

    causes = {
        "At the peak both branches are equal: lr = d^−0.5 · warmup^−0.5. Where is d?": lambda peak, d: round(
            1 / peak**2
        ),
        "Square the whole root: warmup = 1 / (d · peak²).": lambda peak, d: round(1 / (d * peak)),
        "This is the inverse root; square it.": lambda peak, d: round(1 / (d**0.5 * peak)),
        "d stands under the fraction too: a larger model needs fewer steps for the same peak.": lambda peak, d: round(
            d / peak**2
        ),
        "Round to the nearest whole number, not down.": lambda peak, d: int(1 / (d * peak**2)),
    }
    hint = "The two branches meet at step = warmup, where the rate is (d · warmup)^−0.5. Solve for the warm-up."
    for peak, d in ((0.5, 1), (0.25, 4), (0.001, 64), (6.99e-4, 512), (1e-3, 1024), (3e-3, 128), (2.6e-3, 96)):
        yield Case(f"peak {peak}, d {d}", attempt, reference, hint, args=(peak, d), causes=causes)


@checks(
    "04.3-count",
    forbid=(
        "torch.nn.Linear", "torch.nn.Embedding", "torch.nn.Transformer", "torch.nn.TransformerEncoderLayer",
        "torch.nn.TransformerDecoderLayer", "torch.nn.MultiheadAttention",
    ),
)  # fmt: skip
def _count(attempt: Any) -> Iterator[Case]:
    def formula(V: int, d: int, hidden: int, layers: int, *, bias: int = 1, norms: int = 5, out: int = 0) -> int:
        attention, forward = 4 * (d * d + bias * d), 2 * d * hidden + bias * (hidden + d)
        return (1 + out) * V * d + layers * (3 * attention + 2 * forward + norms * 2 * d)

    def reference(V: int, d: int, hidden: int, layers: int) -> int:
        return formula(V, d, hidden, layers)

    def without_cross(V: int, d: int, hidden: int, layers: int) -> int:
        return formula(V, d, hidden, layers) - layers * (4 * (d * d + d) + 2 * d)

    causes = {
        "The decoder has a second attention, and a norm for it.": without_cross,
        "The output layer is the embedding again: it costs nothing.": lambda *a: formula(*a, out=1),
        "Two embeddings and an output: all three are one matrix.": lambda *a: formula(*a, out=2),
        "The biases are missing.": lambda *a: formula(*a, bias=0),
        "The LayerNorms are missing: two in an encoder's layer, three in a decoder's.": lambda *a: formula(*a, norms=0),
        "A LayerNorm has a weight and a bias for each of the d numbers.": lambda V, d, hidden, layers: (
            reference(V, d, hidden, layers) - 5 * d * layers
        ),
        "Post-norm stacks have no norm at their end.": lambda V, d, hidden, layers: (
            reference(V, d, hidden, layers) + 4 * d
        ),
        "There are as many decoder layers as encoder layers, and each is larger by one attention and one norm.": (
            lambda V, d, hidden, layers: V * d + layers * (4 * (d * d + d) + 2 * d * hidden + hidden + d + 4 * d)
        ),
    }
    hint = "An attention has 4 (d² + d), a feed-forward 2·d·hidden + hidden + d. An encoder layer: one attention, one "
    hint += "feed-forward, two norms; a decoder layer: two, one, three."
    for V, d, hidden, layers in (
        (10, 2, 3, 1),
        (50, 4, 8, 1),
        (7, 8, 5, 2),
        (37_000, 512, 2048, 6),
        (4000, 128, 256, 2),
    ):
        args = (V, d, hidden, layers)
        yield Case(
            f"V {V}, d {d}, hidden {hidden}, layers {layers}", attempt, reference, hint, args=args, causes=causes
        )


@checks("04.3-bug")
def _bug(attempt: Any) -> Iterator[Case]:
    def mask_of(q: Tensor, real: Tensor) -> Tensor:
        T = q.shape[-2]
        return torch.ones(T, T, dtype=torch.bool).tril() & real[:, None, None]

    def reference(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return masked_softmax(q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5, mask_of(q, real)) @ v

    def either(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        T = q.shape[-2]
        mask = torch.ones(T, T, dtype=torch.bool).tril() | real[:, None, None]
        return masked_softmax(q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5, mask) @ v

    def added(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return torch.softmax(q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5 + mask_of(q, real), -1) @ v

    def suspect(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        T = q.shape[-2]
        mask = torch.ones(T, T, dtype=torch.bool).tril() | real[:, None, None]
        return torch.softmax(q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5 + mask, -1) @ v

    def causal_only(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return reference(q, k, v, torch.ones_like(real))

    def uniform(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        hidden = ~mask_of(q, real)
        return torch.softmax((q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5).masked_fill(hidden, -1e9), -1) @ v

    causes = {
        "Nothing has changed yet: how are the two masks joined, and what does adding True do to a score?": suspect,
        "The mask hides now, but with | a real word in the future is seen.": either,
        "The masks are joined rightly, but a bool mask that is added only gives 1 more.": added,
        "The padding is seen now: `real` must go into the mask too.": causal_only,
        "A row with nothing to see must give zeros, not the mean of everything: masked_softmax does it.": uniform,
    }
    hint = "A key may be seen when it is real AND not later. Then the mask must hide: masked_softmax(scores, mask)."
    no_padding = torch.ones(2, 5, dtype=torch.bool)
    behind = torch.arange(5) < torch.tensor([[5], [2]])
    before = torch.tensor([[False, True, True, True, True], [False, False, True, False, True]])
    for real, name in ((no_padding, "no"), (behind, "padding at the end"), (before, "padding at the start")):
        for heads, c in ((1, 2), (3, 4)):
            q, k, v = (torch.randn(2, heads, 5, c) for _ in range(3))
            shown = f"q, k, v (2, {heads}, 5, {c}), {name if real is not no_padding else 'no padding'}"
            yield Case(shown, attempt, reference, hint, 1e-5, (q, k, v, real), (0, 1, 2), causes)
    q, k, v = (torch.randn(2, 1, 5, 4) for _ in range(3))
    hint = "exp overflows for large scores: use masked_softmax, which subtracts the largest first."
    yield Case("scores of size 1,000", attempt, reference, hint, 1e-4, (1000 * q, k, v, behind))


@checks("04.3-step")
def _step(attempt: Any) -> Iterator[Case]:
    def reference(layer: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        new_keys, new_values = layer.keys_values(x)
        keys, values = torch.cat([keys, new_keys], dim=2), torch.cat([values, new_values], dim=2)
        return layer.attend(x, keys, values)[0], keys, values

    def blind(layer: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        _, *both = reference(layer, x, keys, values)
        return layer.attend(x, keys, values)[0], *both

    def first(layer: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        new_keys, new_values = layer.keys_values(x)
        keys, values = torch.cat([new_keys, keys], dim=2), torch.cat([new_values, values], dim=2)
        return layer.attend(x, keys, values)[0], keys, values

    def alone(layer: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        _, *both = reference(layer, x, keys, values)
        return layer.attend(x, *layer.keys_values(x))[0], *both

    def exchanged(layer: MultiHeadAttention, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        out, keys, values = reference(layer, x, keys, values)
        return out, values, keys

    causes = {
        "The newest token must see itself too: attend after its key is in the cache.": blind,
        "The newest token stands behind the earlier ones: cat([old, new], dim=2).": first,
        "The newest token must look at the earlier ones: attend with the whole cache.": alone,
        "Return the output, the keys, the values, in this order.": exchanged,
    }
    hint = "keys_values(x) for the new token, cat along dim 2 behind the old ones, attend(x, keys, values), all three."
    for (B, d, heads), t in itertools.product(((1, 4, 1), (2, 8, 4), (3, 6, 2)), (0, 1, 5)):
        layer, x = MultiHeadAttention(d, heads), torch.randn(B, 1, d)
        keys, values = (torch.randn(B, heads, t, d // heads) for _ in range(2))
        shown = f"x ({B}, 1, {d}), {heads} heads, t {t}"
        args = (x, keys, values)

        def run(x: Tensor, keys: Tensor, values: Tensor, layer: MultiHeadAttention = layer) -> Any:
            calls = 0

            class Counting(MultiHeadAttention):
                def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
                    nonlocal calls
                    calls += 1
                    if memory.shape[1] != 1 or calls > 1:
                        raise ValueError("keys_values was called for more than the newest token, or twice.")
                    return super().keys_values(memory)

            counting = Counting(layer.W_q.in_features, layer.heads)
            counting.load_state_dict(layer.state_dict())
            before = {name: weight.clone() for name, weight in counting.state_dict().items()}
            result = attempt(counting, x, keys, values)
            if result is None or result is ...:
                return result
            if calls == 0:
                raise ValueError("Get the new key and value from layer.keys_values.")
            _same_layer(counting, before)
            out = result[0] if isinstance(result, tuple) and result else None
            if isinstance(out, Tensor) and torch.is_grad_enabled():
                weights = list(counting.parameters())
                reached = torch.autograd.grad(out.sum(), weights, retain_graph=True, allow_unused=True)
                if any(gradient is None for gradient in reached):
                    raise ValueError("The gradient does not reach all weights of the layer; use the layer itself.")
            return result

        def wanted(x: Tensor, keys: Tensor, values: Tensor, layer: MultiHeadAttention = layer) -> Any:
            return reference(layer, x, keys, values)

        known = {
            text: (lambda x, k, v, wrong=wrong, layer=layer: wrong(layer, x, k, v)) for text, wrong in causes.items()
        }
        yield Case(shown, run, wanted, hint, 1e-5, args, (0, 1, 2) if t else (0,), known)


def _same_layer(layer: MultiHeadAttention, before: dict[str, Tensor]) -> None:
    """Raise ValueError when an attempt has changed its layer."""
    kept = all(torch.equal(weight, before[name]) for name, weight in layer.state_dict().items())
    if not kept or not all(p.requires_grad for p in layer.parameters()) or not layer.training or layer.dropout.p:
        raise ValueError("The layer was changed; leave its weights, its mode and its dropout as they are.")
