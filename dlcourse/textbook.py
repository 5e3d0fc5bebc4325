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

__all__ = ["TextbookDecoder", "d2l", "spaced", "translation_scores"]


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
