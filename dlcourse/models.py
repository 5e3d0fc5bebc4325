"""Models that a later chapter uses again. Each is the one that its notebook builds; a test proves it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dlcourse.text import Vocab


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


class MLP(nn.Module):
    """The perceptron of notebook 1.3: pictures (N, 1, 28, 28) in [0, 1] → logits (N, 10), two hidden layers."""

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, mean: float = 0.0, std: float = 1.0, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(width, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of ten classes for each picture."""
        scores: Tensor = self.layers((x - self.mean) / self.std)
        return scores


State = Any  # a tensor whose first dimension is the batch, or a tuple of states


class Translator(Protocol):
    """What ``greedy`` and ``beam_search`` need of a model: ``Seq2Seq``, ``AttentionSeq2Seq`` and ``Transformer``."""

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Return the decoder's first state for sources (B, S), padded with 0, with lengths (B,)."""

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the next state."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the parameters, as every ``nn.Module`` does; the first one tells dtype and device."""


def select(state: State, rows: Tensor) -> State:
    """Return the state of the given rows of the batch, (B',) int64, in their order; a row may come several times."""
    return state[rows] if isinstance(state, Tensor) else tuple(select(part, rows) for part in state)


class Encoder(nn.Module):
    """The encoder of notebook 3.2: sources (B, S) and their lengths (B,) → summary (L, B, H).

    A GRU in both directions, H/2 numbers each, that reads each sentence without its padding.
    Raises ValueError for an odd ``hidden``.
    """

    def __init__(self, size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        if hidden % 2:
            raise ValueError(f"hidden is {hidden}; give an even number, half of it for each direction.")
        between = dropout if layers > 1 else 0.0
        self.embedding = nn.Embedding(size, embedding, padding_idx=Vocab.PAD)
        self.dropout = nn.Dropout(dropout)
        self.rnn = nn.GRU(embedding, hidden // 2, layers, batch_first=True, dropout=between, bidirectional=True)

    def forward(self, source: Tensor, lengths: Tensor) -> Tensor:
        """Return what both directions know after the last token, for each layer: (L, B, H)."""
        embedded = self.dropout(self.embedding(source))
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, last = self.rnn(packed)  # (2 L, B, H/2): forward, backward, forward, …
        return torch.cat([last[0::2], last[1::2]], dim=-1)


class Decoder(nn.Module):
    """The decoder of notebook 3.2: a GRU that sees the encoder's summary at each step."""

    def __init__(self, size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.embedding = nn.Embedding(size, embedding, padding_idx=Vocab.PAD)
        self.dropout = nn.Dropout(dropout)
        self.rnn = nn.GRU(embedding + hidden, hidden, layers, batch_first=True, dropout=between)
        self.scores = nn.Linear(hidden, size)

    def forward(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the state after the last."""
        context, hidden = state
        hidden = hidden.transpose(0, 1).contiguous()  # (L, B, H), as nn.GRU wants it
        repeated = context.unsqueeze(1).expand(-1, target.shape[1], -1)
        inputs = torch.cat([self.dropout(self.embedding(target)), repeated], dim=-1)
        outputs, hidden = self.rnn(inputs, hidden)
        return self.scores(self.dropout(outputs)), (context, hidden.transpose(0, 1))


class Seq2Seq(nn.Module):
    """The encoder–decoder of notebook 3.2, trained with the true previous tokens as inputs (teacher forcing).

    A state is the pair ``(context, hidden)`` of shapes (B, H) and (B, L, H). The context is the last layer of the
    encoder's summary and stays the same at every step. All tokens are int64, padded with 0.
    """

    def __init__(
        self, source_size: int, target_size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(source_size, embedding, hidden, layers, dropout)
        self.decoder = Decoder(target_size, embedding, hidden, layers, dropout)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Return the decoder's first state for sources (B, S) with lengths (B,)."""
        summary = self.encoder(source, lengths)
        return summary[-1], summary.transpose(0, 1)

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the next state."""
        logits, state = self.decoder(target, state)
        return logits, state

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V) for source (B, S), lengths (B,) and target inputs (B, T)."""
        logits, _ = self.decode(target, self.encode(source, lengths))
        return logits


@torch.no_grad()
def greedy(model: Translator, source: Tensor, lengths: Tensor, max_steps: int) -> Tensor:
    """Return the most probable token at each step: sources (B, S), lengths (B,) → outputs (B, max_steps).

    ``<pad>`` stands behind ``<eos>``; neither it nor ``<bos>`` is ever chosen before. Notebook 3.2 builds it.
    """
    state = model.encode(source, lengths)
    tokens = source.new_full((len(source), max_steps), Vocab.PAD)
    last = source.new_full((len(source),), Vocab.BOS)
    finished = last == Vocab.EOS
    for step in range(max_steps):
        logits, state = model.decode(last.unsqueeze(1), state)
        logits[..., [Vocab.PAD, Vocab.BOS]] = -torch.inf
        last = logits.squeeze(1).argmax(-1).masked_fill(finished, Vocab.PAD)
        tokens[:, step] = last
        finished = finished | (last == Vocab.EOS)
        if finished.all():
            break
    return tokens


class Beams(NamedTuple):
    """The k hypotheses of each of B sentences, best first; a log_p of −∞ marks an unused place."""

    tokens: Tensor  # (B, k, max_steps), <pad> behind the end
    log_p: Tensor  # (B, k), of the whole hypothesis
    length: Tensor  # (B, k), tokens so far, <eos> included
    finished: Tensor  # (B, k), whether the last token is <eos>


@torch.no_grad()
def beam_search(
    model: Translator, source: Tensor, lengths: Tensor, width: int, max_steps: int, alpha: float = 0.0
) -> Beams:
    """Return ``width`` outputs for each source, sorted by log P / L^alpha: sources (B, S), lengths (B,) → Beams.

    Stops when no unfinished hypothesis can overtake the best finished one, which is never dropped; the first output is
    then final. Needs a state for ``width`` · B rows. Notebook 3.3 builds it. Raises ValueError for ``max_steps`` < 1.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps is {max_steps}; an output has at least one step.")
    B, device = len(source), source.device
    first = width * torch.arange(B, device=device).unsqueeze(1)  # (B, 1), the first row of each sentence
    state = select(model.encode(source, lengths), torch.arange(B, device=device).repeat_interleave(width))
    last, done = source.new_full((B, width), Vocab.BOS), source.new_zeros(B, dtype=torch.bool)
    beams = _first_beams(B, width, max_steps, next(model.parameters()))
    for step in range(max_steps):
        logits, state = model.decode(last.view(-1, 1), state)
        step_log_p = logits.squeeze(1).log_softmax(-1).view(B, width, -1)  # (B, k, V)
        step_log_p[..., [Vocab.PAD, Vocab.BOS]] = -torch.inf
        closed = beams.finished | done.unsqueeze(1)  # (B, k)
        parent, last, log_p = _choose(beams, step_log_p, closed, alpha)
        beams = _advance(beams, parent, last, log_p, closed, step)
        state = select(state, (first + parent).flatten())
        score = beams.log_p / beams.length.to(beams.log_p.dtype) ** alpha
        best = score.masked_fill(~beams.finished, -torch.inf).amax(1)  # (B,)
        hope = (beams.log_p / max_steps**alpha).masked_fill(beams.finished, -torch.inf).amax(1)
        done = best >= hope
        if done.all():
            break
    return beams


def _first_beams(B: int, width: int, max_steps: int, like: Tensor) -> Beams:
    """Return one empty hypothesis for each sentence, and unused places."""
    log_p = like.new_full((B, width), -torch.inf)
    log_p[:, 0] = 0.0
    length = like.new_zeros(B, width, dtype=torch.int64)
    return Beams(like.new_zeros(B, width, max_steps, dtype=torch.int64), log_p, length, length > 0)


def _choose(beams: Beams, step_log_p: Tensor, closed: Tensor, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return parents, tokens and log P, each (B, k), of the best candidates; closed ones have only themselves."""
    V = step_log_p.shape[-1]
    stay = step_log_p.new_full((V,), -torch.inf)
    stay[Vocab.PAD] = 0.0
    total = beams.log_p.unsqueeze(-1) + torch.where(closed.unsqueeze(-1), stay, step_log_p)  # (B, k, V)
    score = total / (beams.length + ~closed).unsqueeze(-1).to(total.dtype) ** alpha
    place = score.flatten(1).topk(closed.shape[1]).indices  # (B, k)
    best, parent = score[..., Vocab.PAD].masked_fill(~closed, -torch.inf).max(1)  # the best closed one stays
    own = parent * V + Vocab.PAD
    lost = best.isfinite() & (place != own.unsqueeze(1)).all(1)
    place[:, -1] = torch.where(lost, own, place[:, -1])
    return place // V, place % V, total.flatten(1).gather(1, place)


def _advance(beams: Beams, parent: Tensor, token: Tensor, log_p: Tensor, closed: Tensor, step: int) -> Beams:
    """Return copies of the parents (B, k), with one token (B, k) more."""
    tokens = beams.tokens.gather(1, parent.unsqueeze(-1).expand_as(beams.tokens))
    tokens[:, :, step] = token
    length = (beams.length + ~closed).gather(1, parent)
    return Beams(tokens, log_p, length, beams.finished.gather(1, parent) | (token == Vocab.EOS))


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return softmax over the last dimension of scores (…, S) where ``mask``, broadcast to (…, S), is True, else 0.

    A row with nothing to attend to gives zeros. Works in half precision too. Notebook 4.1 builds it.
    """
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, lowest), dim=-1) * mask


class AttentionSeq2Seq(nn.Module):
    """The GRU translator of notebook 4.1: at each step the decoder looks at all states of the encoder.

    Dot-product attention after the recurrent layer (Luong et al. 2015, "global attention"): with the decoder's outputs
    h (B, T, H) and the encoder's states m (B, S, H), the context is softmax(h mᵀ / √H) m, and the logits come from
    tanh(W [h; context]). A state is (hidden (B, H), memory (B, S, H), mask (B, 1, S)).
    """

    def __init__(self, source_size: int, target_size: int, embedding: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(source_size, embedding, padding_idx=Vocab.PAD)
        self.target_embedding = nn.Embedding(target_size, embedding, padding_idx=Vocab.PAD)
        self.dropout = nn.Dropout(dropout)
        self.reader = nn.GRU(embedding, hidden // 2, batch_first=True, bidirectional=True)
        self.writer = nn.GRU(embedding, hidden, batch_first=True)
        self.combine = nn.Linear(2 * hidden, hidden)
        self.scores = nn.Linear(hidden, target_size)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Return the first state for sources (B, S) with lengths (B,)."""
        embedded = self.dropout(self.source_embedding(source))
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.reader(packed)  # last: (2, B, H/2)
        memory, _ = pad_packed_sequence(outputs, batch_first=True, total_length=source.shape[1])  # (B, S, H)
        return torch.cat([last[0], last[1]], dim=-1), memory, (source != Vocab.PAD).unsqueeze(1)

    def attend(self, queries: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the contexts (B, T, H) and the weights (B, T, S) for queries (B, T, H)."""
        weights = masked_softmax(queries @ memory.transpose(1, 2) / memory.shape[-1] ** 0.5, mask)
        return weights @ memory, weights

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the next state."""
        hidden, memory, mask = state
        outputs, last = self.writer(self.dropout(self.target_embedding(target)), hidden.unsqueeze(0).contiguous())
        context, _ = self.attend(outputs, memory, mask)
        combined = torch.tanh(self.combine(torch.cat([outputs, context], dim=-1)))  # (B, T, H)
        return self.scores(self.dropout(combined)), (last.squeeze(0), memory, mask)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V) for source (B, S), lengths (B,) and target inputs (B, T)."""
        logits, _ = self.decode(target, self.encode(source, lengths))
        return logits


class MultiHeadAttention(nn.Module):
    """Multi-head attention of notebook 4.2 (Vaswani et al. 2017, section 3.2): ``heads`` looks at d/heads numbers each.

    Raises ValueError when ``d`` is not a multiple of ``heads``.
    """

    def __init__(self, d: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"d is {d}; give a multiple of the {heads} heads.")
        self.heads = heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d, d) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Tensor) -> Tensor:
        """Return (B, T, d) as (B, heads, T, d/heads)."""
        B, T, d = x.shape
        return x.view(B, T, self.heads, d // self.heads).transpose(1, 2)

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, (B, heads, S, d/heads) each, of a memory (B, S, d)."""
        return self.split(self.W_k(memory)), self.split(self.W_v(memory))

    def attend(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs (B, T, d) and weights (B, heads, T, S) for inputs (B, T, d).

        ``mask``, broadcast to (B, heads, T, S), is False where nothing may be seen.
        """
        queries = self.split(self.W_q(x))
        scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5  # (B, heads, T, S)
        weights = torch.softmax(scores, -1) if mask is None else masked_softmax(scores, mask)
        outputs = self.dropout(weights) @ values  # (B, heads, T, d/heads)
        return self.W_o(outputs.transpose(1, 2).flatten(2)), weights

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return outputs (B, T, d): each position of x (B, T, d) looks at the memory (B, S, d)."""
        keys, values = self.keys_values(memory)
        return self.attend(x, keys, values, mask)[0]


def sinusoids(positions: int, d: int) -> Tensor:
    """Return the position encodings (positions, d): sin and cos of t / 10000^(2i/d) side by side (paper, 3.5)."""
    t = torch.arange(positions, dtype=torch.float64).unsqueeze(1)
    angles = t / 10000 ** (torch.arange(0, d, 2, dtype=torch.float64) / d)  # (positions, d/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :d].float()


class FeedForward(nn.Sequential):
    """Two linear layers with ReLU between them, for each position alone: (…, d) → (…, hidden) → (…, d)."""

    def __init__(self, d: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__(nn.Linear(d, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, d))


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with a residual connection and LayerNorm."""

    def __init__(self, d: int, heads: int, hidden: int, dropout: float, pre_norm: bool) -> None:
        super().__init__()
        self.attention, self.feed_forward = MultiHeadAttention(d, heads, dropout), FeedForward(d, hidden, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(2))
        self.dropout, self.pre_norm = nn.Dropout(dropout), pre_norm

    def residual(self, i: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Return x + part(norm(x)) (pre-norm), or norm(x + part(x)), as in the paper (post-norm)."""
        if self.pre_norm:
            added: Tensor = x + self.dropout(part(self.norms[i](x)))
            return added
        normed: Tensor = self.norms[i](x + self.dropout(part(x)))
        return normed

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the new vectors (B, S, d); ``mask`` (B, 1, 1, S) is False at the padding."""
        x = self.residual(0, x, lambda y: self.attention(y, y, mask))
        return self.residual(1, x, self.feed_forward)


class DecoderLayer(EncoderLayer):
    """As the encoder's layer, with a second attention that looks at the encoder's output."""

    def __init__(self, d: int, heads: int, hidden: int, dropout: float, pre_norm: bool) -> None:
        super().__init__(d, heads, hidden, dropout, pre_norm)
        self.cross = MultiHeadAttention(d, heads, dropout)
        self.norms.append(nn.LayerNorm(d))

    def decode(self, x: Tensor, past: State, memory: State, mask: Tensor, causal: Tensor) -> tuple[Tensor, State]:
        """Return the new vectors (B, T, d), and the keys and values of all positions so far.

        ``past`` holds those of the earlier positions, ``memory`` the encoder's; ``mask`` (B, 1, 1, S) is False at its
        padding; ``causal`` (T, t + T) says which positions each new one may see.
        """
        present: list[Tensor] = []

        def itself(y: Tensor) -> Tensor:
            keys, values = (torch.cat(pair, dim=2) for pair in zip(past, self.attention.keys_values(y), strict=True))
            present.extend((keys, values))
            return self.attention.attend(y, keys, values, causal)[0]

        x = self.residual(0, x, itself)
        x = self.residual(1, x, lambda y: self.cross.attend(y, memory[0], memory[1], mask)[0])
        return self.residual(2, x, self.feed_forward), tuple(present)


class Transformer(nn.Module):
    """The Transformer of notebook 4.3 (Vaswani et al. 2017), with tied target embedding and output layer.

    ``pre_norm`` puts LayerNorm before each part, and one more at the end of both stacks; otherwise it stands behind, as
    in the paper. ``positions`` is "sinusoids", "learned" or "none"; ``share`` uses one embedding for both languages.
    A state is (mask, keys and values of the encoder for each layer, those of the target so far for each layer), so
    that decoding one token at a time costs no repetition. At most ``longest`` positions.
    """

    encodings: Tensor
    encoder: Any  # EncoderLayer, one a layer
    decoder: Any  # DecoderLayer, one a layer
    ends: Any  # LayerNorm or nothing, for the encoder and the decoder

    def __init__(
        self, source_size: int, target_size: int, d: int = 128, heads: int = 4, hidden: int = 256, layers: int = 2,
        dropout: float = 0.1, *, pre_norm: bool = True, positions: str = "sinusoids", share: bool = False,
        longest: int = 256,
    ) -> None:  # fmt: skip
        super().__init__()
        self.target_embedding = nn.Embedding(target_size, d, padding_idx=Vocab.PAD)
        nn.init.normal_(self.target_embedding.weight, std=d**-0.5)
        self.source_embedding = self.target_embedding
        if not share:
            self.source_embedding = nn.Embedding(source_size, d, padding_idx=Vocab.PAD)
            nn.init.normal_(self.source_embedding.weight, std=d**-0.5)
        table = torch.zeros(longest, d) if positions == "none" else sinusoids(longest, d)
        if positions == "learned":
            self.encodings = nn.Parameter(0.02 * torch.randn(longest, d))
        else:
            self.register_buffer("encodings", table, persistent=False)
        sizes = (d, heads, hidden, dropout, pre_norm)
        self.encoder = nn.ModuleList(EncoderLayer(*sizes) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(*sizes) for _ in range(layers))
        self.ends = nn.ModuleList(nn.LayerNorm(d) if pre_norm else nn.Identity() for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def embed(self, embedding: nn.Embedding, tokens: Tensor, start: int = 0) -> Tensor:
        """Return √d · embedding + position (B, T, d) for tokens (B, T) at the positions from ``start`` on."""
        d, longest = embedding.embedding_dim, len(self.encodings)
        if start + tokens.shape[1] > longest:
            raise ValueError(f"{start + tokens.shape[1]} positions; this model has {longest}: build it with longest=…")
        embedded: Tensor = self.dropout(embedding(tokens) * d**0.5 + self.encodings[start : start + tokens.shape[1]])
        return embedded

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> State:
        """Return the first state for sources (B, S); ``lengths`` is not needed: padding is known by its number."""
        mask = (source != Vocab.PAD)[:, None, None]  # (B, 1, 1, S)
        x = self.embed(self.source_embedding, source)
        for layer in self.encoder:
            x = layer(x, mask)
        x = self.ends[0](x)
        memory = tuple(layer.cross.keys_values(x) for layer in self.decoder)
        empty = memory[0][0][:, :, :0]  # (B, heads, 0, d/heads)
        return mask, memory, tuple((empty, empty) for _ in self.decoder)

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the next state."""
        mask, memory, past = state
        t, T = past[0][0].shape[2], target.shape[1]
        causal = torch.ones(T, t + T, dtype=torch.bool, device=target.device).tril(t)
        x, present = self.embed(self.target_embedding, target, t), []
        for layer, of_source, before in zip(self.decoder, memory, past, strict=True):
            x, now = layer.decode(x, before, of_source, mask, causal)
            present.append(now)
        return F.linear(self.ends[1](x), self.target_embedding.weight), (mask, memory, tuple(present))

    def forward(self, source: Tensor, lengths: Tensor | None, target: Tensor) -> Tensor:
        """Return logits (B, T, V) for source (B, S), lengths (B,) and target inputs (B, T)."""
        logits, _ = self.decode(target, self.encode(source, lengths))
        return logits


class TorchTransformer(nn.Module):
    """PyTorch's ``nn.Transformer`` with the weights of a Transformer of the course, between the same embeddings.

    It is called as that one is and gives the same logits; notebook 4.3 shows it. Its parameters are copies, those of
    the embeddings too. ``dropout`` is its own rate.
    """

    def __init__(self, ours: Transformer, dropout: float = 0.0) -> None:
        super().__init__()
        self.ours = copy.deepcopy(ours)  # for its embeddings; the stacks are taken out
        first, stacks = ours.encoder[0], (ours.encoder, ours.decoder)
        d, hidden = ours.target_embedding.embedding_dim, first.feed_forward[0].out_features
        self.ours.encoder, self.ours.decoder, self.ours.ends = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.ours.dropout.p = dropout
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="enable_nested_tensor")
            self.theirs = nn.Transformer(
                d, first.attention.heads, len(ours.encoder), len(ours.decoder), hidden, dropout, batch_first=True,
                norm_first=first.pre_norm,
            ).to(ours.target_embedding.weight)  # fmt: skip
        for its_stack, layers, end in zip((self.theirs.encoder, self.theirs.decoder), stacks, ours.ends, strict=True):
            for its, mine in zip(its_stack.layers, layers, strict=True):
                self._copy(its.self_attn, mine.attention)
                if hasattr(mine, "cross"):
                    self._copy(its.multihead_attn, mine.cross)
                its.linear1.load_state_dict(mine.feed_forward[0].state_dict())
                its.linear2.load_state_dict(mine.feed_forward[3].state_dict())
                for i, norm in enumerate(mine.norms, 1):
                    getattr(its, f"norm{i}").load_state_dict(norm.state_dict())
            its_stack.norm = copy.deepcopy(end) if isinstance(end, nn.LayerNorm) else None  # none behind post-norm

    @staticmethod
    @torch.no_grad()
    def _copy(theirs: nn.MultiheadAttention, ours: MultiHeadAttention) -> None:
        three = (ours.W_q, ours.W_k, ours.W_v)
        theirs.in_proj_weight.copy_(torch.cat([W.weight for W in three]))
        theirs.in_proj_bias.copy_(torch.cat([W.bias for W in three]))
        theirs.out_proj.load_state_dict(ours.W_o.state_dict())

    def forward(self, source: Tensor, lengths: Tensor | None, target: Tensor) -> Tensor:
        """Return logits (B, T, V) for source (B, S) and target inputs (B, T)."""
        hidden, T = source == Vocab.PAD, target.shape[1]
        x: Tensor = self.theirs(
            self.ours.embed(self.ours.source_embedding, source), self.ours.embed(self.ours.target_embedding, target),
            tgt_mask=torch.ones(T, T, dtype=torch.bool, device=target.device).triu(1), tgt_is_causal=True,
            src_key_padding_mask=hidden, memory_key_padding_mask=hidden,
        )  # fmt: skip
        return F.linear(x, self.ours.target_embedding.weight)
