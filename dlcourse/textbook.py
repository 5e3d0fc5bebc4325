"""The textbook's own library, ``d2l`` 0.17 for PyTorch, repaired for current IPython.

Use ``from dlcourse.textbook import d2l``. ``d2l.use_svg_display`` calls a function that IPython removed, so every
plot of the textbook fails without the repair below. Notebook 3.2 measures its translation with the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from d2l import torch as d2l
from matplotlib_inline.backend_inline import set_matplotlib_formats
from torch import Tensor, nn

from dlcourse.text import Pair, tokenize

__all__ = ["TextbookDecoder", "TextbookTransformerDecoder", "d2l", "spaced", "translation_scores"]


def _use_svg_display() -> None:
    set_matplotlib_formats("svg")


d2l.use_svg_display = _use_svg_display


# --- the translation of its chapter 9 ----------------------------------------------------------------------


class TextbookDecoder(nn.Module):
    """The decoder of the textbook's 9.7, which ``d2l`` has not: a mistake included (d2l-en #2134).

    Inputs (B, T) and a state (context (B, H), hidden (L, B, H)) → logits (B, T, V) and the next state. The context is
    taken anew from the hidden state that it is given; ``keep_context=True`` repairs it.
    """

    def __init__(
        self, size: int, embedding: int, hidden: int, layers: int, dropout: float = 0.0, keep_context: bool = False
    ) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(size, embedding), nn.Linear(hidden, size)
        self.rnn = nn.GRU(embedding + hidden, hidden, layers, batch_first=True, dropout=dropout)
        self.keep_context = keep_context

    def init_state(self, encoded: tuple[Any, Tensor], *_: Any) -> tuple[Tensor, Tensor]:
        """Return the first state, from the encoder's outputs and its state (L, B, H)."""
        return encoded[1][-1], encoded[1]

    def forward(self, target: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits and the next state."""
        context, hidden = state if self.keep_context else (state[1][-1], state[1])
        repeated = context.unsqueeze(1).expand(-1, target.shape[1], -1)
        outputs, hidden = self.rnn(torch.cat([self.embedding(target), repeated], dim=-1), hidden)
        return self.scores(outputs), (context, hidden)


def spaced(pair: Pair, languages: tuple[str, str]) -> tuple[str, str]:
    """Return source and target with spaces between the tokens, as the textbook's functions want them."""
    return " ".join(tokenize(pair.source, languages[0])), " ".join(tokenize(pair.target, languages[1]))


def translation_scores(
    model: nn.Module, pairs: Iterable[tuple[str, str]], vocabs: Sequence[Any], steps: int, device: torch.device
) -> Tensor:
    """Return ``d2l.bleu`` with k = 2 of the model's translation of each spaced pair; 0 where it divides by zero."""
    scores = []
    for source, target in pairs:
        guess, _ = d2l.predict_seq2seq(model, source, *vocabs, steps, device)
        scores.append(d2l.bleu(guess, target, 2) if " " in guess else 0.0)
    return torch.tensor(scores)


# --- the Transformer of its chapter 10 ---------------------------------------------------------------------


class TextbookTransformerDecoder(nn.Module):
    """The decoder of the textbook's 10.7, which ``d2l`` has not, made of d2l's parts: its two mistakes included.

    Inputs (B, T) and a state [encoded (B, S, d), lengths (B,), the past of each block] → logits (B, T, V) and the
    state, which is changed. It masks the future in training mode only, and the inputs of *each* call stand at the
    positions 0, 1, … even when other tokens came before. ``repaired=True`` mends both.
    """

    def __init__(
        self, size: int, d: int, heads: int, hidden: int, layers: int, dropout: float = 0.0, repaired: bool = False
    ) -> None:
        super().__init__()
        self.embedding, self.positions = nn.Embedding(size, d), d2l.PositionalEncoding(d, dropout)
        self.blocks: Any = nn.ModuleList()
        for _ in range(layers):
            parts = {name: d2l.MultiHeadAttention(d, d, d, d, heads, dropout) for name in ("itself", "cross")}
            norms = {f"norm{i}": d2l.AddNorm([d], dropout) for i in (1, 2, 3)}
            self.blocks.append(nn.ModuleDict({**parts, **norms, "ffn": d2l.PositionWiseFFN(d, hidden, d)}))
        self.scores, self.repaired = nn.Linear(d, size), repaired

    def init_state(self, encoded: Tensor, lengths: Tensor, *_: Any) -> list[Any]:
        """Return the first state, from the encoder's outputs and the lengths of the sources."""
        return [encoded, lengths, [None] * len(self.blocks)]

    def forward(self, target: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Return the logits and the state."""
        encoded, lengths, past = state
        (B, T), t = target.shape, 0 if past[0] is None else past[0].shape[1]
        embedded = self.embedding(target) * self.embedding.embedding_dim**0.5
        if self.repaired and t:  # as if the past stood before
            x = self.positions(torch.cat([embedded.new_zeros(B, t, embedded.shape[2]), embedded], dim=1))[:, t:]
        else:
            x = self.positions(embedded)
        seen = None
        if self.training or self.repaired:
            seen = torch.arange(t + 1, t + T + 1, device=target.device).repeat(B, 1)
        for i, block in enumerate(self.blocks):
            past[i] = x if past[i] is None else torch.cat([past[i], x], dim=1)
            y = block["norm1"](x, block["itself"](x, past[i], past[i], seen))
            z = block["norm2"](y, block["cross"](y, encoded, encoded, lengths))
            x = block["norm3"](z, block["ffn"](z))
        return self.scores(x), state
