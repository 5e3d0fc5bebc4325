"""How many target tokens a second does a translation model learn from? Run by hand: not part of the tests.

    python tests/benchmarks/translation_speed.py

In one run, on the same pairs with the same tokens and vocabularies: the textbook's ``train_seq2seq`` with its encoder,
its loss and a decoder like its own (10 steps for each sentence, live plot switched off), and ``fit`` with
``models.Seq2Seq`` and ``PairLoader``. Equal sizes, batch, optimizer, rate and clipping; once with the textbook's sizes
(the 600 shortest pairs, 32 numbers, 2 layers) and once with those of notebook 3.2 (all training pairs that fit into
10 steps, 128 and 256 numbers, 1 layer). Printed are medians over alternating rounds. Wanted: at least 1.0.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from unittest import mock

import torch

from dlcourse import text
from dlcourse.authoring import definitions
from dlcourse.models import Seq2Seq
from dlcourse.text import Pair, PairLoader, Vocab
from dlcourse.textbook import d2l
from dlcourse.train import fit

STEPS, BATCH, RATE = 10, 64, 0.005
CPU = torch.device("cpu")
NOTEBOOK = definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "02_seq2seq.ipynb")


def textbook(pairs: list[Pair], vocabs: tuple[Vocab, Vocab], sizes: tuple[int, int, int]) -> Callable[[int], None]:
    """Return a function that trains the textbook's model for some epochs."""
    embedding, hidden, layers = sizes
    sides = [
        [text.tokenize(pair.source, "eng") for pair in pairs],
        [text.tokenize(pair.target, "fra") for pair in pairs],
    ]
    words = [d2l.Vocab(side, reserved_tokens=["<pad>", "<bos>", "<eos>"]) for side in sides]
    assert [len(vocab) for vocab in words] == [len(vocab) for vocab in vocabs]
    arrays = [
        array for side, vocab in zip(sides, words, strict=True) for array in d2l.build_array_nmt(side, vocab, STEPS)
    ]
    torch.manual_seed(0)
    encoder = d2l.Seq2SeqEncoder(len(words[0]), embedding, hidden, layers)
    model = d2l.EncoderDecoder(encoder, NOTEBOOK.TextbookDecoder(len(words[1]), embedding, hidden, layers))
    batches = d2l.load_array(arrays, BATCH)

    def run(epochs: int) -> None:
        with mock.patch.object(d2l, "Animator"), contextlib.redirect_stdout(io.StringIO()):
            d2l.train_seq2seq(model, batches, RATE, epochs, words[1], CPU)

    return run


def ours(pairs: list[Pair], vocabs: tuple[Vocab, Vocab], sizes: tuple[int, int, int]) -> Callable[[int], None]:
    """Return a function that trains the course's model for some epochs."""
    torch.manual_seed(0)
    model = Seq2Seq(len(vocabs[0]), len(vocabs[1]), *sizes)
    batches = PairLoader(pairs, *vocabs, ("eng", "fra"), BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def run(epochs: int) -> None:
        fit(
            model, batches, epochs=epochs, loss=text.masked_loss, optimizer=optimizer, clip=1.0,
            weight=text.real_tokens, device=CPU,
        )  # fmt: skip

    return run


def main() -> None:
    every = text.load("eng", "fra").train
    fits = [p for p in every if max(len(text.tokenize(p.source, "eng")), len(text.tokenize(p.target, "fra"))) < STEPS]
    short = sorted(fits, key=lambda pair: len(pair.source))[:600]
    print(f"{torch.get_num_threads()} threads, {sys.platform}, PyTorch {torch.__version__}")
    for pairs, sizes, epochs in ((short, (32, 32, 2), 20), (fits, (128, 256, 1), 3)):
        vocabs = (
            Vocab(text.tokenize(pair.source, "eng") for pair in pairs),
            Vocab(text.tokenize(pair.target, "fra") for pair in pairs),
        )
        tokens = epochs * sum(len(text.tokenize(pair.target, "fra")) + 1 for pair in pairs)
        ways = {"textbook": textbook(pairs, vocabs, sizes), "course": ours(pairs, vocabs, sizes)}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(6):
            for name, run in ways.items():
                begin = time.perf_counter()
                run(epochs)
                seconds[name].append(time.perf_counter() - begin)
        speed = {name: tokens / statistics.median(values[1:]) for name, values in seconds.items()}  # the first warms up
        print(f"{len(pairs):,} pairs, embedding {sizes[0]}, hidden {sizes[1]}, {sizes[2]} layers")
        for name, value in speed.items():
            print(f"  {name:9} {value:>8,.0f} tokens/s")
        print(f"  course over textbook {speed['course'] / speed['textbook']:.2f}")


if __name__ == "__main__":
    main()
