"""What sources claim and what the notebooks measured: the rows that ``readme`` writes into README and MEASURED.md."""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """One row; ``measured`` takes its numbers from the recorded runs.

    ``{name}`` stands for the value of an ``expect`` line of the notebook, ``{name|form}`` for one in a form of
    ``readme.FORMS``, and ``{3.2 name}`` for one of another notebook. ``checks`` are lines without a recorded number
    (``equal=…`` or a bool) on which the row relies as well. ``key`` rows stand in README too.
    """

    notebook: str
    source: str
    claim: str
    measured: str
    checks: tuple[str, ...] = ()
    key: bool = False


INTRODUCTION = """\
# What we measured against the sources

Claims of the textbook (*Dive into Deep Learning*, Chinese edition, `d2l` 0.17), of papers, programs and common
practice, and what the notebooks measured. A number is the median over the recorded runs at quick scale, with the lowest
and highest value where they differ. Most notebooks use a few thousand digits or sentences: a row says what was seen
there, and no more. `python -m dlcourse readme` writes this page from `results/`.
"""

CLAIMS = (
    Claim(
        "1.1",
        "old tutorials",
        "Wrap tensors in `Variable` and change them through `.data`.",
        "`Variable` does nothing. A change through `.data` gives a wrong gradient and no error; through `detach()` it "
        "is refused.",
        checks=(
            "a Variable is a plain Tensor",
            "gradient after a change through .data (right: 6)",
            "refused after a change through detach()",
        ),
    ),
    Claim(
        "1.2",
        "textbook 3.6",
        "Cross-entropy: compute the softmax, then take the logarithm.",
        "Infinite for a sure and wrong answer, finite from logits (which is the textbook's repair, one section later).",
        checks=("loss with softmax first", "loss from logits"),
    ),
    Claim(
        "1.2",
        "tutorials of the blitz's age",
        "`torch.load(path)` loads a model.",
        "It also calls any function that the file names. `weights_only=True` refuses.",
        checks=("weights_only=True refuses the trap",),
    ),
    Claim(
        "1.2",
        "common practice",
        "Mirrored copies of the pictures are a cure for overfitting.",
        "Traffic signs: arrows to the left and right are told apart in {left and right, as they are|percent} without "
        "mirrored copies and in {left and right, with flips|percent} with them.",
    ),
    Claim(
        "1.2",
        "common practice",
        "A high score after fine-tuning shows that the trained body helps.",
        "At the end: {trained body, at the end|percent} on a trained body, {untrained body, at the end|percent} on a "
        "random one. The trained one is faster: {trained body, after 100 steps|percent} against "
        "{untrained body, after 100 steps|percent} early on.",
    ),
    Claim(
        "1.3",
        "many tutorials",
        "Look at the test accuracy in every epoch and report the best.",
        "The best of many models that only guess has {best of 200 guessers, where it was picked|percent} where it was "
        "picked and {the same guesser, on the other half|percent} on other labels.",
    ),
    Claim(
        "1.3",
        "usual advice",
        "A photo of your own digit must be shrunk and inverted.",
        "Read correctly: {accuracy on photos, shrunk and inverted|percent}. Prepared as MNIST was, "
        "{accuracy on photos, prepared as MNIST|percent}, by the same network.",
        key=True,
    ),
    Claim(
        "2.1",
        "textbook 6.1",
        "Shared weights make the features translation invariant.",
        "The output moves along with the input (it is equivariant): difference {convolution: output shifted}.",
    ),
    Claim(
        "2.1",
        "textbook 6.2–6.5",
        "The worked examples of convolution, padding, stride, channels and pooling.",
        "Confirmed, all of them. The loops written by hand equal `F.conv2d` to {largest difference from F.conv2d}.",
        checks=("corr2d", "two channels", "max pooling", "average pooling", "window 3", "sizes"),
    ),
    Claim(
        "2.1",
        "textbook 6.5",
        "Pooling makes a layer less sensitive to position.",
        "A little. A shift by one pixel moves the features by {ratio without pooling} of what another digit does; "
        "with the usual small window, by {ratio with a 2 × 2 window over that without|percent} of that.",
    ),
    Claim(
        "2.2",
        "textbook 6.6",
        "LeNet with sigmoids learns under SGD at rate 0.9 in ten epochs (on Fashion-MNIST).",
        "On a few thousand digits, four epochs, the best of five seeds has {the best of five seeds|percent}; at two "
        "other rates {the textbook's recipe at two other rates, best|percent}.",
        key=True,
    ),
    Claim(
        "2.2",
        "common view",
        "Sigmoids were LeNet's weakness.",
        "Under SGD, ReLU gains {gain by ReLU|points}. With AdamW, one cycle and standardised input the sigmoid "
        "network has {sigmoid network with the whole recipe|percent}, "
        "{the old model with the modern recipe is behind by|points} behind the modern one.",
        key=True,
    ),
    Claim(
        "2.2",
        "textbook 6.6",
        "But for the last layer the network is LeNet-5.",
        "The paper also has a partial third layer, trained subsampling and a scaled tanh. Rebuilt, it has the paper's "
        "number of parameters and is {the network of 1998 is behind by|points} behind the modern one.",
        checks=("parameters up to F6",),
    ),
    Claim(
        "2.2",
        "LeNet demo",
        "Two parallel branches stand for the table of C3.",
        "They add connections where the table removes some. The second branch gains {two branches minus one|points}.",
    ),
    Claim(
        "2.2",
        "LeNet demo",
        "Test loss: the sum of the batch losses over the number of examples.",
        "Too small by the batch size, here {true loss over the demo's loss (the batch size)|whole} times.",
        key=True,
    ),
    Claim(
        "2.2",
        "LeNet demo",
        "Test without `no_grad`; put LogSoftmax before the cross-entropy.",
        "The first keeps the graphs of all test batches. The second is harmless: difference "
        "{loss with LogSoftmax twice}.",
        checks=("gradients came back from the test batches",),
    ),
    Claim(
        "2.2",
        "often shown",
        "The kernels of the first layer are edge detectors, found by training.",
        "Correlation of a trained kernel with its own random start, median: "
        "{correlation of a kernel with its own random start, median}.",
    ),
    Claim(
        "2.2",
        "common view",
        "Pooling lets the network tolerate shifts.",
        "In part. Two pixels cost {accuracy that LeNet loses by 2 pixels|points}, without pooling "
        "{without pooling it loses more, by|points} more; after training on shifted pictures only "
        "{shifted in training it loses only|points}.",
    ),
    Claim(
        "2.2",
        "videos P23–P29",
        "Batch normalisation and residual connections make deep networks trainable.",
        "Confirmed. Sixteen convolutions: plain {16 convolutions, plain: best seed|percent} at best; worst seed with "
        "batch normalisation {with batch normalisation: worst seed|percent}, with residual connections "
        "{with residual connections: worst seed|percent}.",
    ),
    Claim(
        "3.1",
        "textbook 9.1",
        "`nn.GRU` is the GRU of the formulas.",
        "It resets after the product: with equal weights the outputs differ by {the two resets differ by}, and by "
        "{with the reset gate open, r = 1} when nothing is reset.",
    ),
    Claim(
        "3.1",
        "common view",
        "Gates remember, plain RNNs forget.",
        "Recall over forty steps (chance: one in eight). Best with PyTorch's start: "
        "{length 40: best with PyTorch's start|percent}; GRU with a gate that starts open: "
        "{length 40: GRU, kept open|percent}; plain RNN with an orthogonal matrix: "
        "{RNN, orthogonal, length 40|percent}.",
        key=True,
    ),
    Claim(
        "3.1",
        "textbook 9.1, 9.2",
        "500 epochs on 10,000 characters reach a perplexity of 1.0 to 1.3.",
        "A model trained in a similar way has {training perplexity on 10,000 characters} on its own text and "
        "{validation perplexity of the same model} on new text.",
        key=True,
    ),
    Claim(
        "3.1",
        "textbook 9.4",
        "A bidirectional layer is misused as a language model, although its perplexity looks good.",
        "Confirmed: {bidirectional: validation perplexity} on held-out text. With the future hidden it has "
        "{bidirectional over one direction} times the perplexity of one direction.",
    ),
    Claim(
        "3.2",
        "textbook 9.5",
        "Take 600 pairs; cut or fill each sentence to 10 tokens.",
        "It takes one pair too many, and a cut sentence loses its end sign. {padding, 10 tokens each|percent} is "
        "padding, {padding, similar lengths together|percent} when similar lengths stand together.",
        checks=("pairs that num_examples=600 gives", "<eos> in the longest target, before the cut to 10 and after"),
    ),
    Claim(
        "3.2",
        "textbook 9.7",
        "The encoder sums up the source sentence.",
        "And its padding: five more `<pad>` change the summary by {change by five <pad>, textbook}, with packing by "
        "{change by five <pad>, with packing}.",
    ),
    Claim(
        "3.2",
        "textbook 9.7 (d2l-en #2134)",
        "The decoder gets the encoder's context at every step.",
        "When it translates it takes its own state. The logits differ from those of training by "
        "{one call against token by token, keep_context=False}; with the context kept, training sentences score "
        "{training sentences: score with the context kept, over recomputed} times as high.",
        key=True,
    ),
    Claim(
        "3.2",
        "textbook 9.7",
        "The loss falls to 0.019.",
        "The loss of a token is {true loss over the reported one} times the reported one.",
        key=True,
    ),
    Claim(
        "3.2",
        "textbook 9.7",
        "`bleu` with k = 2 is BLEU.",
        "Its exponents do not sum to one: {the textbook's score} in place of {with exponents that sum to 1}. On a "
        "translation of one word it divides by zero.",
    ),
    Claim(
        "3.2",
        "textbook 9.7",
        "Four translated sentences show how good the model is.",
        "They are training sentences, which score higher than held-out ones by "
        "{context kept: training minus held out} (of one). Drawn at random, four have a mean in a range of "
        "{mean of four sentences: width of the middle 90 %}.",
    ),
    Claim(
        "3.2",
        "common practice",
        "Split the rows of a translation file at random.",
        "{split by rows: share of test rows whose sentence is in training|percent} of the test rows then have their "
        "sentence in training.",
    ),
    Claim(
        "3.2",
        "Sutskever et al. 2014; Cho et al. 2014",
        "An encoder and a decoder, joined by one vector, translate.",
        "Trained on the course's small corpus: test BLEU {test BLEU of the network}. Counting words (IBM model 1) has "
        "{test BLEU of counting}.",
        key=True,
    ),
    Claim(
        "3.3",
        "textbook 9.8",
        "Greedy search finds an output of probability 0.048; the best has 0.054.",
        "Confirmed for outputs of three words: {its probability} and {its probability (2)}. A shorter one has "
        "{probability of the best shorter output}.",
    ),
    Claim(
        "3.3",
        "textbook 9.8",
        "Dividing the log-probability by a power of the length penalises long outputs.",
        "It favours them. In a trained model they become longer by {length ratio at width 8, α 1 minus α 0|percent} "
        "of the references' length.",
        key=True,
    ),
    Claim(
        "3.3",
        "textbook 9.8",
        "The width of the beam trades accuracy for cost.",
        "Width four gains {width 4: BLEU over greedy search} BLEU over greedy search. Width sixteen adds "
        "{width 16: BLEU over width 2} to width two, and shortens the outputs by "
        "{length ratio, width 16 minus greedy|less} of the references' length.",
    ),
    Claim(
        "4.1",
        "textbook 10.2",
        "Attention pooling predicts better than a mean.",
        "Its error is {kernel over nearest points} times that of the mean of the nearest points. A polynomial has "
        "{polynomial over kernel} times the error of attention.",
    ),
    Claim(
        "4.1",
        "textbook 10.3",
        "A score of −10⁶ hides a place.",
        "Not in a row with nothing to see, which gets equal weights on what is hidden (difference "
        "{nothing to look at, textbook: equal weights}). The course's mask gives what PyTorch's own attention gives, "
        "in half precision too.",
        checks=("ours and PyTorch's",),
    ),
    Claim(
        "4.1",
        "textbook 10.3; Vaswani et al. 2017",
        "q·k has the variance d, so scores are divided by √d.",
        "Confirmed: variance over d {variance of q·k at d = 1024, over 1024}. Not scaled, the gradient of the softmax "
        "is {gradient at d = 1024: not scaled over scaled} times the scaled one.",
    ),
    Claim(
        "4.1",
        "Bahdanau et al. 2015",
        "One vector is too narrow for long sentences; attention helps there.",
        "The worst seed with attention is {test: worst seed with attention minus best seed without} BLEU above the "
        "best without. It helps at every length: {attention, far, 1 to 5 tokens} against the plain network's "
        "{3.2 BLEU of network, far, 1 to 5 tokens} for short sentences, {attention, far, 8 to 20 tokens} against "
        "{3.2 BLEU of network, far, 8 to 20 tokens} for long ones.",
        key=True,
    ),
    Claim(
        "4.1",
        "Bahdanau et al. 2015",
        "The weights show which source words a word comes from.",
        "Mostly. The largest weight is where IBM model 1 says for "
        "{content words: largest weight where model 1 says|percent} of the content words, a random place for "
        "{content words: a random place|percent}. Whether the word is used, it does not show.",
    ),
    Claim(
        "4.2",
        "Vaswani et al. 2017",
        "Several heads look at several places; one head averages.",
        "Confirmed. Two places to copy from: one head has {two questions, one head, best seed|percent} at best, two "
        "heads {two questions, two heads, worst seed|percent} at worst. One head with a network behind: "
        "{… one head, network behind, worst seed|percent} at worst, {… one head, network behind, best seed|percent} "
        "at best.",
    ),
    Claim(
        "4.2",
        "textbook 10.6; Vaswani et al. 2017",
        "Self-attention costs O(n²d) operations, a recurrent layer O(nd²).",
        "Confirmed for attention alone. The four matrices of the layer are left out; with them it is never cheaper "
        "than the RNN. Memory grows with n to the power {attention alone: exponent of n}, in PyTorch's fused "
        "attention {fused attention: exponent of n}.",
        checks=("attention alone: 4 n² d", "multi-head layer: 4 n² d + 8 n d²", "RNN: 4 n d²"),
    ),
    Claim(
        "4.2",
        "textbook 10.6",
        "Self-attention knows no order without positional encoding.",
        "Confirmed: {no positions|percent} on a task of two answers about order. Under a causal mask it does know: "
        "{no positions, causal mask|percent}.",
    ),
    Claim(
        "4.2",
        "Vaswani et al. 2017",
        "Sinusoids may let the model handle sentences longer than those of training.",
        "{sinusoids, 8 words|percent} at the length of training, {sinusoids, 12 words|percent} at half as much again. "
        "Rotary positions keep {rotary, 12 words|percent}, a GRU {GRU, 18 words|percent} at more than twice the "
        "length.",
        key=True,
    ),
    Claim(
        "4.2",
        "Annotated Transformer; BERT-pytorch #30",
        "LayerNorm divides by the sample deviation.",
        "For a vector of four numbers {with the sample deviation} in place of {nn.LayerNorm of (1, 0, 0, 0)}; at the "
        "paper's width the difference is {difference at d = 512}.",
    ),
    Claim(
        "4.3",
        "Vaswani et al. 2017, Table 3",
        "The base model has 65 million parameters, the big one 213 million.",
        "No single vocabulary gives both: the base model needs more words than the big one.",
        checks=("base: words for 65 millions", "big: words for 213 millions"),
    ),
    Claim(
        "4.3",
        "textbook 10.7",
        "Masking keeps the decoder autoregressive.",
        "Only while it trains. In evaluation mode it has no mask: next-token accuracy on pure noise "
        "{accuracy on noise, textbook in evaluation mode|percent}, against {accuracy on noise, the course's|percent} "
        "of a model that cannot look ahead.",
        checks=("is_causal, textbook, evaluation",),
        key=True,
    ),
    Claim(
        "4.3",
        "jadore801120 #19",
        "98 % validation accuracy with one hidden unit, and nonsense as translations.",
        "Reproduced by a mask that is off by one: {accuracy on noise, off by one|percent} on noise.",
    ),
    Claim(
        "4.3",
        "textbook 10.7",
        "To translate, feed the decoder one token at a time.",
        "Its positions then are all zero. Put into a trained model, that mistake costs {lost (points)} BLEU and "
        "leaves {validation BLEU, all words at position 0}.",
        key=True,
    ),
    Claim(
        "4.3",
        "README of jadore801120",
        "Train with `-warmup 128000`.",
        "The warm-up ends after {epochs until the end of its warm-up, at 113 steps an epoch|whole} epochs.",
    ),
    Claim(
        "4.3",
        "jadore801120",
        "Training perplexity (with label smoothing) stands beside validation perplexity (without).",
        "They do not compare: the best possible smoothed loss is {loss at p = q} nats, and not zero.",
    ),
    Claim(
        "4.3",
        "Vaswani et al. 2017",
        "Search with a beam of 4, and average the last checkpoints.",
        "The beam is confirmed: {BLEU of beam search} against {BLEU of greedy search}. Averaging after a one-cycle "
        "schedule gains {gain by averaging (points)} BLEU.",
    ),
    Claim(
        "4.3",
        "Vaswani et al. 2017",
        "A network without recurrence wins.",
        "Confirmed on a few thousand sentences: the worst seed is {worst Transformer minus best GRU with attention} "
        "BLEU above the best GRU with attention. With a quarter of them that GRU is "
        "{a quarter of the data: counting minus GRU with attention} BLEU behind counting.",
        key=True,
    ),
    Claim(
        "4.3",
        "common practice",
        "Gradients of mean losses, added up over parts of a batch, are those of the batch.",
        "Not when the parts have different numbers of tokens: weights differ by {weighted by sentences: largest gap} "
        "after five steps, and by {two halves, weighted by tokens} when the parts are weighted by tokens.",
    ),
    Claim(
        "5.1",
        "textbook 11.5",
        "Full-batch descent runs at learning rate 1; 10 epochs are shown.",
        "The limit is {limit of the learning rate}. The loss is {lr = 1, epoch 10} at epoch ten, {lr = 1, epoch 50} "
        "at epoch fifty; the smallest possible one is {smallest possible loss}.",
        key=True,
    ),
    Claim(
        "5.1",
        "textbook 11.5",
        "Matrix products run at so many “Gigaflops”.",
        "The printed numbers are {the textbook's 2, over that} times too high; their ratios are right.",
        key=True,
    ),
    Claim(
        "5.1",
        "textbook 11.5",
        "By “sec/epoch”, batches of 100 are faster than the full batch.",
        "The unit is a number of rows and not an epoch, and it differs between the two. After one pass, above the "
        "smallest loss: {batches of 100: above the smallest possible loss} and {full batch, the same}; the full batch "
        "after twenty passes: {full batch, 20 passes}.",
        checks=(
            "batches of 100: rows in an 'epoch', and losses drawn",
            "batches of 1500: rows in an 'epoch', and losses drawn",
        ),
    ),
    Claim(
        "5.1",
        "textbook 11.3",
        "A smaller step makes Newton's method find a minimum of a function that is not convex.",
        "Starts, out of twenty-seven, that end in a minimum: whole or half steps "
        "{Newton, plain or with half steps|whole}; with the size of the curvature, the textbook's other remedy, "
        "{with |f''|, and gradient descent|whole}.",
    ),
    Claim(
        "5.1",
        "textbook 11.3",
        "Dividing by the diagonal of the Hessian removes the mismatch between directions.",
        "In one step when the valley lies along an axis, not at all when it lies across. The runs follow this "
        "prediction to {the four against the prediction}.",
    ),
    Claim(
        "5.1",
        "textbook 11.4",
        "An exponential decay of the rate stops too early; a polynomial one converges.",
        "It is the time constant and not the form. Loss over that of a constant rate: "
        "{after 1,000 steps, over constant: exponential} with the textbook's decay, {exponential, to 1 %} stretched "
        "over the run, {1/√t} with the polynomial one.",
    ),
    Claim(
        "5.1",
        "textbook 11.5",
        "The noise of a minibatch shrinks with the root of its size.",
        "Confirmed on LeNet: the variance falls with the size to the power {slope, with replacement}.",
    ),
    Claim(
        "5.2",
        "textbook 11.6",
        "Momentum converges for 0 < ηλ < 2 + 2β.",
        "Confirmed at every point of a grid of rates and β. The worked example ends within {end with β = 0.5} of the "
        "computed place.",
        checks=("fields in which theory and measurement differ",),
    ),
    Claim(
        "5.2",
        "textbook 11.8, 11.9",
        "The half-life of a mean with decay γ is 1/γ; 0.9 is 10 half-lives.",
        "After ln 2 / −ln γ steps the weight is one half (difference {weight after the half-life}).",
        key=True,
    ),
    Claim(
        "5.2",
        "textbook 11.7",
        "AdaGrad stands in for dividing by the Hessian's diagonal.",
        "So it depends on the axes: with the valley turned, its best run ends {AdaGrad: turned over straight} times "
        "as high; gradient descent, {gradient descent: turned over straight} times.",
    ),
    Claim(
        "5.2",
        "textbook 11.9",
        "Adadelta has no learning rate.",
        "It hides in ε: from a start at minus five, twenty steps come to {x₁ after 20 steps}.",
    ),
    Claim(
        "5.2",
        "textbook 11.10",
        "Bias correction mends Adam's slow start.",
        "Without it the first step is {first step, not corrected} times the rate and the largest "
        "{largest step, not corrected} times: too long, not too short.",
    ),
    Claim(
        "5.2",
        "a solution of CS231n",
        "An error of 0.2072 in Adam's next weights is a wrong step count.",
        "A missing correction gives {relative error, no correction}, a count that is wrong by one "
        "{relative error, one step behind}.",
    ),
    Claim(
        "5.2",
        "Reddi et al. 2018",
        "Adam can go to the worst point; AMSGrad does not.",
        "Confirmed: {end of Adam} against {end of AMSGrad}, the best being minus one. Plain gradient descent does not "
        "either: {end of gradient descent}. After one huge gradient AMSGrad's steps stay at {last step of AMSGrad}, "
        "Adam's at {last step of Adam}.",
    ),
    Claim(
        "5.2",
        "Loshchilov and Hutter 2019",
        "L2 in Adam is not weight decay.",
        "Confirmed. Without other gradients, decays that differ a hundredfold end at the same weight, to "
        "{weights with L2 in Adam}; AdamW's follow the formula to {weights with AdamW}.",
    ),
    Claim(
        "5.2",
        "common view",
        "Adam trains the sigmoid LeNet because each single weight has its own rate.",
        "The length of each layer's step decides whether it learns: momentum {accuracy of momentum|percent}, momentum "
        "with each layer's length from Adam {accuracy of momentum, each length from Adam|percent}, Adam "
        "{accuracy of Adam|percent}.",
        key=True,
    ),
    Claim(
        "5.3",
        "textbook 11.6–11.10",
        "Loss curves on the airfoil table compare the optimizers.",
        "All but Adadelta end within {all but Adadelta: median run (% above the floor)} % of least squares (median "
        "run), which one Newton step reaches. The race cannot rank them.",
        checks=("one Newton step, above the floor",),
        key=True,
    ),
    Claim(
        "5.3",
        "textbook 11.11",
        "MultiStep was trained with the schedule that is drawn.",
        "It was trained at a constant rate: the cell that draws it uses it up.",
        checks=("the rates that were used",),
        key=True,
    ),
    Claim(
        "5.3",
        "textbook 11.11",
        "Warm-up protects the first epochs.",
        "As printed, the loop sets the rate an epoch late: the first epoch has the full rate, the second a rate of "
        "zero.",
        checks=("warm-up, first epochs",),
    ),
    Claim(
        "5.3",
        "textbook 11.11",
        "Lowering the rate while training raises the accuracy.",
        "Confirmed. Cosine over constant: SGD {from the record: SGD, cosine minus constant (points)} points, momentum "
        "{from the record: momentum, cosine minus constant (points)}, Adam "
        "{from the record: Adam, cosine minus constant (points)}, Muon "
        "{from the record: Muon, cosine minus constant (points)}.",
    ),
    Claim(
        "5.3",
        "common view",
        "Adaptive methods are faster.",
        "Not when each has the rate that is fastest for it: steps to an accuracy of ninety-five per cent, over "
        "Adam's, are {from the record: Nesterov, with a rate for speed, over Adam} for Nesterov and {Muon, the same} "
        "for Muon.",
    ),
    Claim(
        "5.3",
        "common view",
        "Adaptive methods help with badly scaled inputs.",
        "Confirmed: SGD ends at {SGD in units, over the floor} times the floor, Adam at "
        "{Adam in units, over the floor}. With standardised inputs SGD reaches {SGD, standardised, over the floor}.",
    ),
    Claim(
        "5.3",
        "most papers",
        "A mean over five seeds, or fewer, names the best optimizer.",
        "Five seeds are sure of the first by {of five seeds: Adadelta is first in|percent} (bootstrap), twenty by "
        "{of twenty seeds|percent}. The nine lie within {from the record, tuned: first minus last (points)} points.",
        key=True,
    ),
    Claim(
        "5.3",
        "Kunstner et al. 2024",
        "On language, Adam beats SGD because words are rare.",
        "It beats momentum on each seed, by at least {from the record: best seed of momentum minus worst of Adam} "
        "nats. But a better rate of the same optimizer also gains more on rare words (of three comparisons the least: "
        "{from the record, rare over frequent: the smallest of the three rows} times), so these data do not show the "
        "cause.",
    ),
    Claim(
        "6.1",
        "common view",
        "Small batches generalise better.",
        "At one common rate the best and the worst of three sizes differ by "
        "{gap between batch sizes at rate 0.001 (% error)} points of error. When each has its best rate, the gap is "
        "{gap when each has its best rate, over that} times that one, and at another common rate the largest batch is "
        "ahead, by {rate 0.008: error of batch size 16 minus that of 128} points.",
        key=True,
    ),
    Claim(
        "6.1",
        "tuning playbook",
        "Against instability, clip gradients at the 90th percentile of their norms.",
        "Not enough here. At a rate where most runs fail, the mean error is "
        "{rate 0.016: error (%) without a cure} % without and {rate 0.016: error (%) with clipping} % with it. At "
        "twice this rate {rate 0.032: failed of 6, without a limit} runs of six fail without it, "
        "{rate 0.032: failed of 6, limit of the rule} with it, and {rate 0.032: failed of 6, smallest limit} with a "
        "limit so small that every step is clipped.",
    ),
    Claim(
        "6.1",
        "tuning playbook",
        "A warm-up makes ten times the unstable rate usable.",
        "Not here: with the best of four lengths the error is {ten times the unstable rate: lowest error (%)} %. At "
        "half the unstable rate a warm-up does help: {rate 0.016: error (%) with warm-up} % in place of "
        "{rate 0.016: error (%) without a cure} %.",
    ),
    Claim(
        "6.1",
        "tuning playbook",
        "A wall just above the best rate: instability holds the rate down; cure it, for instance by normalisation.",
        "Not held down here. Normalisation moves the wall: at a rate where the mean error is "
        "{rate 0.016: error (%) without a cure} % it becomes {rate 0.016: error (%) with normalisation} %. But with "
        "each of three cures the best rate is at most {best rate with a cure, over without: largest} times the one "
        "without. Normalisation helps all the same, by {lowest error (%): nothing minus normalisation} points.",
    ),
    Claim(
        "6.1",
        "tuning playbook",
        "Short rounds sort out settings; the final ones must be tuned at full length.",
        "Confirmed: rank correlation of a quarter of the steps with all {rank correlation of long and short runs}, of "
        "two long runs {rank correlation of long and other long runs}; of the ten best, "
        "{of the ten best, in the better half of the short runs} are in the better half of the short runs.",
    ),
    Claim(
        "6.1",
        "common practice",
        "Adopt the best trial, with the error by which it was chosen.",
        "With fresh seeds the best trial is {best trial: fresh seeds minus when it was chosen (% error)} points "
        "worse, and the best rate of a sweep {default, lr tuned: fresh seeds minus when it was chosen (% error)}, "
        "which is all of its lead; a neighbour farther from the wall keeps "
        "{default, rate 0.004, over the default: mean gain} points.",
        checks=("default, lr tuned, minus default",),
        key=True,
    ),
    Claim(
        "6.1",
        "tuning playbook",
        "Tune in rounds, and adopt what is real and worth its cost.",
        "Confirmed: test error of the adopted settings {adopted over default, test error} times that of the defaults, "
        "{adopted over the recipe of 2.2} times that of the recipe of the LeNet notebook, and "
        "{adopted over the recipe with shift} times that of this recipe with the same shift.",
    ),
    Claim(
        "6.2",
        "Bergstra and Bengio 2012",
        "Random search beats a grid.",
        "Confirmed where one of two settings matters: it is nearer in {Bob is nearer, one knob matters|percent}, "
        "where both matter in {Bob is nearer, both matter|percent}. In five dimensions the grid is "
        "{grid over random, medians} times as uneven as random points, quasi-random ones {QMC over random, medians} "
        "times.",
    ),
    Claim(
        "6.2",
        "tuning playbook",
        "A best point near the boundary asks for a wider range.",
        "Confirmed: with the rate cut off at a hundredth, the ten best stand at {narrow: median place of lr} of the "
        "range (zero to one), and the best error is {best error, narrow over wide} times that of the wide one.",
    ),
    Claim(
        "6.2",
        "Optuna (TPE)",
        "A sampler that learns from the trials so far finds better settings.",
        "Ahead of random search in {32 trials: TPE wins over random|percent} of the pairs of studies at thirty-two "
        "trials, by {32 trials, medians: random minus TPE (points)} points; at eight trials it is random search.",
        checks=("8 trials: equal choices of TPE and random",),
    ),
    Claim(
        "6.2",
        "Optuna (fANOVA)",
        "Importances say which settings to tune.",
        "They belong to a range. Learning rate: {all trials: lr|percent} over all trials, {best third: lr|percent} "
        "among the best third, where dropout has {best third: dropout|percent}.",
    ),
    Claim(
        "6.2",
        "common practice",
        "Search a wide space, and report the best of many trials.",
        "Trained again, the winner of the study loses {the winner falls back by (points)} points. One training of a "
        "good default is {judge: best of 256 minus the rival (points)} points better than the best of all.",
        key=True,
    ),
    Claim(
        "6.2",
        "Optuna's PyTorch example",
        "Score each trial on fresh random pictures.",
        "The report is {as in the example: too good by (points)} points too good; on the same pictures for all "
        "trials, {the same pictures: too good by (points)}.",
        key=True,
    ),
    Claim(
        "6.2",
        "Optuna's PyTorch example",
        "One range of learning rates serves SGD, Adam and RMSprop.",
        "SGD's best rate lies outside. With own ranges the error is {own ranges: judged error over that of one range} "
        "times that of one range.",
    ),
    Claim(
        "6.2",
        "common practice",
        "Two optimizers at the same learning rate make a fair comparison.",
        "At a common rate RMSprop is {both at 0.001: RMSprop is ahead by (points)} points ahead of SGD. Each at its "
        "best, {each at its best: seeds of SGD below all of RMSprop} of five seeds of SGD are better than all of "
        "RMSprop.",
    ),
    Claim(
        "6.2",
        "Optuna (MedianPruner)",
        "Pruning stops bad trials.",
        "And good ones: it spends {median, from epoch 1: share of the epochs|percent} of the epochs and loses "
        "{median, from epoch 1: lost of the best twelve} of the best twelve. At equal epochs, successive halving ends "
        "at {judge, choice at 256 epochs: halving over none} times the error.",
    ),
    Claim(
        "6.3",
        "PyTorch (DDP)",
        "Several processes train the model of one.",
        "Confirmed in float64: largest difference {float64, largest difference after 110 steps} at the end of the "
        "run. In float32 {float32, largest difference after 10 steps} after the first steps; later rounding may part "
        "them.",
    ),
    Claim(
        "6.3",
        "PyTorch's ImageNet example (#1074)",
        "A `DistributedSampler` shuffles each epoch.",
        "Without `set_epoch` every epoch has the same order.",
        checks=("different orders in five epochs: without set_epoch, with it",),
    ),
    Claim(
        "6.3",
        "build-nanogpt #30",
        "Set the flag for gradient synchronisation before `backward`.",
        "It must be set before the forward pass: after it, the ranks differ by "
        "{flag after forward: the ranks differ by}, else by {flag before forward: the ranks differ by}.",
    ),
    Claim(
        "6.3",
        "common view",
        "Two machines halve the time.",
        "LeNet on one computer: a step of two processes takes {two processes over one thread, time of a step} times "
        "as long as one thread's. Predicted for LeNet on many machines: {times as fast as one process, at best} times "
        "as fast at best.",
        key=True,
    ),
    Claim(
        "6.3",
        "McCandlish et al. 2018",
        "Steps needed: S_min · (1 + B_crit / B).",
        "Confirmed up to eight times the largest fitted batch: error at most "
        "{largest relative error of the predictions|percent}. The fit is loose: B_crit {critical batch size|whole}, "
        "with one batch size less {fitted up to 64 only: critical batch size|whole}.",
    ),
    Claim(
        "6.3",
        "PyTorch (`torch.compile`)",
        "Compiling makes a model faster.",
        "Not LeNet on the CPU of the record: a later step takes {compiled over eager, time of a later step, float32} "
        "times as long.",
    ),
)
