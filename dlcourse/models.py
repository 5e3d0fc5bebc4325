"""Models that a later chapter uses again. Each is the one that its notebook builds; a test proves it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence


class LeNet(nn.Module):
    """LeNet of notebook 2.2: pictures (N, 1, 28, 28) in [0, 1] → scores (N, 10); 61,706 parameters.

    ``mean`` and ``std`` of the training pixels are taken out first. The textbook's version (section 6.6) has
    ``activation=nn.Sigmoid, pool=nn.AvgPool2d`` and does not normalise.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        activation: Callable[[], nn.Module] = nn.ReLU,
        pool: Callable[[int], nn.Module] = nn.MaxPool2d,
        mean: float = 0.0,
        std: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.layers = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2), activation(), pool(2),
            nn.Conv2d(6, 16, kernel_size=5), activation(), pool(2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120), activation(),
            nn.Linear(120, 84), activation(),
            nn.Linear(84, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of ten classes for each picture."""
        scores: Tensor = self.layers((x - self.mean) / self.std)
        return scores


State = tuple[Tensor, Tensor]


class Seq2Seq(nn.Module):
    """The encoder–decoder of notebook 3.2: GRU encoder, GRU decoder that sees the encoder's summary at each step.

    ``forward`` takes source (B, S), source lengths (B,) and target inputs (B, T), all int64, padded with 0, and
    returns logits (B, T, V_target). ``encode`` returns the state ``(context, hidden)``, of shapes (B, H) and
    (L, B, H); ``decode`` takes target inputs (B, T) and a state, and returns logits and the next state. The context
    stays what the encoder said; it is not recomputed while decoding.
    """

    def __init__(
        self, source_size: int, target_size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.source_embedding = nn.Embedding(source_size, embedding, padding_idx=0)
        self.encoder = nn.GRU(embedding, hidden, layers, batch_first=True, dropout=between)
        self.target_embedding = nn.Embedding(target_size, embedding, padding_idx=0)
        self.decoder = nn.GRU(embedding + hidden, hidden, layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, target_size)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read the sources without their padding: (B, S), (B,) → context (B, H) and hidden (L, B, H)."""
        embedded = self.dropout(self.source_embedding(source))
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, hidden = self.encoder(packed)
        return hidden[-1], hidden

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) after each of the target inputs (B, T), and the state after the last."""
        context, hidden = state
        embedded = self.dropout(self.target_embedding(target))
        repeated = context.unsqueeze(1).expand(-1, target.shape[1], -1)
        outputs, hidden = self.decoder(torch.cat([embedded, repeated], dim=-1), hidden)
        return self.output(self.dropout(outputs)), (context, hidden)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V) with the true previous tokens as inputs (teacher forcing)."""
        logits, _ = self.decode(target, self.encode(source, lengths))
        return logits
