"""Plausible wrong answers to the exercises of notebook 3.2; each must be found out."""

_BREVITY = (
    "def brevity(lengths, reference_lengths):\n"
    "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
)

WRONG: dict[str, list[str]] = {
    "03.2-leak": [
        # spaces are lost
        "def leaking(train, test):\n"
        "    key = lambda s: ''.join(s.lower().split())\n"
        "    known = {key(s) for s, _ in train}\n"
        "    return sum(key(s) in known for s, _ in test) / len(test)",
        # spaces around are lost
        "def leaking(train, test):\n"
        "    known = {s.strip().lower() for s, _ in train}\n"
        "    return sum(s.strip().lower() in known for s, _ in test) / len(test)",
        # whole pairs
        "def leaking(train, test):\n    return sum(pair in train for pair in test) / len(test)",
        # case counts
        "def leaking(train, test):\n"
        "    known = {source for source, _ in train}\n"
        "    return sum(source in known for source, _ in test) / len(test)",
        # different sentences instead of pairs
        "def leaking(train, test):\n"
        "    known, new = ({s.lower() for s, _ in part} for part in (train, test))\n"
        "    return len(known & new) / len(new)",
        # the targets
        "def leaking(train, test):\n"
        "    known = {target.lower() for _, target in train}\n"
        "    return sum(target.lower() in known for _, target in test) / len(test)",
        # a part of a sentence
        "def leaking(train, test):\n"
        "    known = ' '.join(source.lower() for source, _ in train)\n"
        "    return sum(source.lower() in known for source, _ in test) / len(test)",
        # the number, not the share
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in train}\n"
        "    return sum(source.lower() in known for source, _ in test)",
        # two letters and the length
        "def leaking(train, test):\n"
        "    known = {(source.lower()[:2], len(source)) for source, _ in train}\n"
        "    return sum((source.lower()[:2], len(source)) in known for source, _ in test) / len(test)",
        # strips punctuation
        "def leaking(train, test):\n"
        '    known = {source.lower().strip(" .!?") for source, _ in train}\n'
        '    return sum(source.lower().strip(" .!?") in known for source, _ in test) / len(test)',
        # empties its arguments
        "def leaking(train, test):\n"
        "    known, found, n = set(), 0, len(test)\n"
        "    while train:\n"
        "        known.add(train.pop()[0].lower())\n"
        "    while test:\n"
        "        found += test.pop()[0].lower() in known\n"
        "    return found / n",
        # sorts its argument
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in train}\n"
        "    test.sort()\n"
        "    return sum(source.lower() in known for source, _ in test) / len(test)",
        # the letters in any order
        "def leaking(train, test):\n"
        "    known = {tuple(sorted(source.lower())) for source, _ in train}\n"
        "    return sum(tuple(sorted(source.lower())) in known for source, _ in test) / len(test)",
        # the words in any order
        "def leaking(train, test):\n"
        "    known = {frozenset(source.lower().split()) for source, _ in train}\n"
        "    return sum(frozenset(source.lower().split()) in known for source, _ in test) / len(test)",
        # the first word
        "def leaking(train, test):\n"
        "    known = {source.lower().split()[0] for source, _ in train}\n"
        "    return sum(source.lower().split()[0] in known for source, _ in test) / len(test)",
        # the beginning
        "def leaking(train, test):\n"
        "    known = tuple(source.lower() for source, _ in train)\n"
        "    return sum(source.lower().startswith(known) for source, _ in test) / len(test)",
        # only the first letter's case is ignored
        "def leaking(train, test):\n"
        "    known = {source[:1].lower() + source[1:] for source, _ in train}\n"
        "    return sum(source[:1].lower() + source[1:] in known for source, _ in test) / len(test)",
        # the share of the training pairs
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in test}\n"
        "    return sum(source.lower() in known for source, _ in train) / len(train)",
        # only one side lower-cased
        "def leaking(train, test):\n"
        "    known = {source for source, _ in train}\n"
        "    return sum(source.lower() in known for source, _ in test) / len(test)",
        # in percent
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in train}\n"
        "    return 100 * sum(source.lower() in known for source, _ in test) / len(test)",
        # a string
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in train}\n"
        "    return str(sum(source.lower() in known for source, _ in test) / len(test))",
        # rounded
        "def leaking(train, test):\n"
        "    known = {source.lower() for source, _ in train}\n"
        "    return round(sum(source.lower() in known for source, _ in test) / len(test), 2)",
        # source or target
        "def leaking(train, test):\n"
        "    known = {side.lower() for pair in train for side in pair}\n"
        "    return sum(source.lower() in known or target.lower() in known for source, target in test) / len(test)",
        # a pair that comes twice counts once
        "def leaking(train, test):\n"
        "    known = {s.lower() for s, _ in train}\n"
        "    return sum(s.lower() in known for s, _ in set(test)) / len(test)",
        # eight training pairs only
        "def leaking(train, test):\n"
        "    known = {s.lower() for s, _ in train[:8]}\n"
        "    return sum(s.lower() in known for s, _ in test) / len(test)",
        # every match of a training pair counts
        "def leaking(train, test):\n"
        "    return sum(a[0].lower() == b[0].lower() for a in train for b in test) / len(test)",
    ],
    "03.2-shift": [
        "def teacher_inputs(target):\n    return target",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=2)",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=2)[:, :-1]",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=0)[:, :-1]",
        "def teacher_inputs(target):\n    return F.pad(target[:, 1:], (0, 1), value=2)",
        "def teacher_inputs(target):\n    target = target.roll(1, 0)\n    target[:, 0] = 2\n    return target",
        "def teacher_inputs(target):\n    target[target == 3] = 0\n    return F.pad(target, (1, 0), value=2)[:, :-1]",
        # <unk> becomes 0 too
        "def teacher_inputs(target):\n"
        "    shown = target.masked_fill((target == 3) | (target == 1), 0)\n"
        "    return F.pad(shown, (1, 0), value=2)[:, :-1]",
        # all special tokens become 0
        "def teacher_inputs(target):\n    return F.pad(target * (target > 3), (1, 0), value=2)[:, :-1]",
        # two rows only
        "def teacher_inputs(target):\n"
        "    shown = target.masked_fill(target == 3, 0)[:2]\n"
        "    return F.pad(shown, (1, 0), value=2)[:, :-1]",
        # four columns only
        "def teacher_inputs(target):\n    return F.pad(target.masked_fill(target == 3, 0), (1, 0), value=2)[:, :4]",
        # <bos> is made 0 with <eos>
        "def teacher_inputs(target):\n"
        "    shown = F.pad(target, (1, 0), value=2)[:, :-1]\n"
        "    return shown.masked_fill(shown < 4, 0)",
        # floats
        "def teacher_inputs(target):\n"
        "    result = torch.zeros(target.shape)\n"
        "    result[:, 0], result[:, 1:] = 2, target[:, :-1].masked_fill(target[:, :-1] == 3, 0)\n"
        "    return result",
        # lists
        "def teacher_inputs(target):\n"
        "    return [[2] + [0 if t == 3 else t for t in row[:-1]] for row in target.tolist()]",
        # shifted to the other side
        "def teacher_inputs(target):\n"
        "    shown = target.masked_fill(target == 3, 0)\n"
        "    return F.pad(shown, (0, 1), value=2)[:, 1:]",
        # cuts the last real token as well
        "def teacher_inputs(target):\n"
        "    result = F.pad(target, (1, 0), value=2)[:, :-1]\n"
        "    result[F.pad(target, (0, 1))[:, 1:] == 0] = 0\n"
        "    return result",
        # the mask is not shifted
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=2)[:, :-1].masked_fill(target == 3, 0)",
        # <pad> becomes <bos>
        "def teacher_inputs(target):\n"
        "    result = target.masked_fill(target == 3, 0).roll(1, 1)\n"
        "    return result.masked_fill(result == 0, 2)",
        # NumPy
        "def teacher_inputs(target):\n"
        "    result = target.numpy().copy()\n"
        "    result[:, 1:], result[:, 0] = target[:, :-1].masked_fill(target[:, :-1] == 3, 0).numpy(), 2\n"
        "    return result",
        # works in its argument
        "def teacher_inputs(target):\n"
        "    target[:, 1:] = target[:, :-1].masked_fill(target[:, :-1] == 3, 0)\n"
        "    target[:, 0] = 2\n"
        "    return target",
        # rolls over the last column
        "def teacher_inputs(target):\n    result = target.roll(1, 1)\n    return result.masked_fill(result == 3, 2)",
        # int32
        "def teacher_inputs(target):\n"
        "    out = F.pad(target, (1, 0), value=2)[:, :-1]\n"
        "    return torch.where((out == 3) , 0, out).int()",
    ],
    "03.2-clip": [
        # each tensor by itself
        "def clip_gradients(gradients, bound):\n"
        "    return [g * min(1.0, bound / max(g.norm().item(), 1e-12)) for g in gradients]",
        # each number by itself
        "def clip_gradients(gradients, bound):\n    return [g.clamp(-bound, bound) for g in gradients]",
        # always scaled
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    return [g * bound / norm for g in gradients]",
        # vectors only
        "def clip_gradients(gradients, bound):\n"
        "    norm = torch.cat(gradients).norm().item()\n"
        "    return [g * (min(1.0, bound / norm) if norm else 1.0) for g in gradients]",
        # in place
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    if norm > bound:\n"
        "        for g in gradients:\n"
        "            g *= bound / norm\n"
        "    return gradients",
        # the sum of the norms
        "def clip_gradients(gradients, bound):\n"
        "    norm = sum(g.norm().item() for g in gradients)\n"
        "    return [g * (min(1.0, bound / norm) if norm else 1.0) for g in gradients]",
        # in place, by mul_
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [g.mul_(factor) for g in gradients]",
        # in place, for several tensors
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    if len(gradients) > 1:\n"
        "        for g in gradients:\n"
        "            g.mul_(factor)\n"
        "        return [g.clone() for g in gradients]\n"
        "    return [factor * g for g in gradients]",
        # the given list where nothing changes
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return gradients if factor == 1 else [factor * g for g in gradients]",
        # a new list of the given tensors where nothing changes
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [g if factor == 1 else factor * g for g in gradients]",
        # views of the given tensors where nothing changes
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [g.detach() if factor == 1 else factor * g for g in gradients]",
        # replaces the entries of the given list
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    for i, g in enumerate(gradients):\n"
        "        gradients[i] = factor * g\n"
        "    return gradients",
        # a tuple
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return tuple(factor * g for g in gradients)",
        # a generator
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return (factor * g for g in gradients)",
        # lists of numbers
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [(factor * g).tolist() for g in gradients]",
        # NumPy
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [(factor * g).numpy() for g in gradients]",
        # the L1 norm
        "def clip_gradients(gradients, bound):\n"
        "    norm = sum(g.abs().sum().item() for g in gradients)\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g for g in gradients]",
        # the largest number
        "def clip_gradients(gradients, bound):\n"
        "    norm = max(g.abs().max().item() for g in gradients)\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g for g in gradients]",
        # the square of the norm
        "def clip_gradients(gradients, bound):\n"
        "    norm = sum(g.square().sum().item() for g in gradients)\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g for g in gradients]",
        # divides by 0
        "def clip_gradients(gradients, bound):\n"
        "    norm = torch.cat([g.flatten() for g in gradients]).norm()\n"
        "    return [g * torch.minimum(bound / norm, norm / norm) for g in gradients]",
        # two tensors only
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients[:2]))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g for g in gradients]",
        # flattened
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g.flatten() for g in gradients]",
        # a factor that forgets the bound
        "def clip_gradients(gradients, bound):\n"
        "    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))\n"
        "    return [g / norm if norm > bound else g.clone() for g in gradients]",
        # the largest of the norms
        "def clip_gradients(gradients, bound):\n"
        "    norm = max(g.norm().item() for g in gradients)\n"
        "    factor = min(1.0, bound / norm) if norm > 0 else 1.0\n"
        "    return [factor * g for g in gradients]",
        # the square root of the factor
        "def clip_gradients(gradients, bound):\n"
        "    n = sum((g ** 2).sum() for g in gradients)\n"
        "    return [g * min(1, bound / n.clamp(min=1e-9).item()) ** 0.5 for g in gradients]",
        # clips from a norm of 1
        "def clip_gradients(gradients, bound):\n"
        "    n = math.sqrt(sum((g ** 2).sum().item() for g in gradients))\n"
        "    f = bound / n if n > 1 else 1\n"
        "    return [g * f for g in gradients]",
        # double precision
        "def clip_gradients(gradients, bound):\n"
        "    n = math.sqrt(sum((g ** 2).sum().item() for g in gradients))\n"
        "    f = bound / n if n > bound else 1\n"
        "    return [(g * f).double() for g in gradients]",
    ],
    "03.2-brevity": [
        # rewards long translations
        _BREVITY + "    return math.exp(1 - sum(nearest) / sum(lengths))",
        # mean of the sentences' penalties
        _BREVITY + "    each = [min(1.0, math.exp(1 - r / n)) for n, r in zip(lengths, nearest)]\n"
        "    return sum(each) / len(each)",
        # upside down
        _BREVITY + "    return min(1.0, math.exp(1 - sum(lengths) / sum(nearest)))",
        # the shortest reference
        "def brevity(lengths, reference_lengths):\n"
        "    return min(1.0, math.exp(1 - sum(map(min, reference_lengths)) / sum(lengths)))",
        # the longer of two equally near
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), -m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
        # sorts its arguments
        "def brevity(lengths, reference_lengths):\n"
        "    for each in reference_lengths:\n"
        "        each.sort()\n"
        "    nearest = [min(r, key=lambda m: abs(m - n)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
        # the first of equally near ones
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: abs(m - n)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
        # the longest reference
        "def brevity(lengths, reference_lengths):\n"
        "    return min(1.0, math.exp(1 - sum(map(max, reference_lengths)) / sum(lengths)))",
        # the first reference
        "def brevity(lengths, reference_lengths):\n"
        "    return min(1.0, math.exp(1 - sum(r[0] for r in reference_lengths) / sum(lengths)))",
        # the mean of the references
        "def brevity(lengths, reference_lengths):\n"
        "    return min(1.0, math.exp(1 - sum(sum(r) / len(r) for r in reference_lengths) / sum(lengths)))",
        # two sentences only
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest[:2]) / sum(lengths[:2])))",
        # two references only
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r[:2], key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
        # the nearest above
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min([m for m in r if m >= n] or [max(r)]) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
        # the ratio, not its exponential
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, sum(lengths) / sum(nearest))",
        # without the 1
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(-sum(nearest) / sum(lengths)))",
        # pops its arguments
        "def brevity(lengths, reference_lengths):\n"
        "    c = r = 0\n"
        "    while lengths:\n"
        "        n, each = lengths.pop(), reference_lengths.pop()\n"
        "        c, r = c + n, r + min(each, key=lambda m: (abs(m - n), m))\n"
        "    return min(1.0, math.exp(1 - r / c))",
        # a string
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return str(min(1.0, math.exp(1 - sum(nearest) / sum(lengths))))",
        # the product of the penalties
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return math.prod(min(1.0, math.exp(1 - r / max(n, 1))) for n, r in zip(lengths, nearest))",
        # an integer division
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) // sum(lengths)))",
        # skips empty translations
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths) if n]\n"
        "    return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))",
    ],
    "03.2-padding": [
        # from long to short
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths, reverse=True)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # not sorted
        "def padding_share(lengths, batch_size):\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # the last batch is filled up
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(lengths) / sum(batch_size * max(b) for b in batches)",
        # the last batch is dropped
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    full = len(lengths) // batch_size * batch_size\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, full, batch_size)]\n"
        "    return 1 - sum(lengths[:full]) / sum(len(b) * max(b) for b in batches)",
        # the mean of the batches' shares
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    shares = [1 - sum(b) / (len(b) * max(b)) for b in batches]\n"
        "    return sum(shares) / len(shares)",
        # padding over real tokens
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return sum(len(b) * max(b) for b in batches) / sum(lengths) - 1",
        # sorts its argument
        "def padding_share(lengths, batch_size):\n"
        "    lengths.sort()\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # two batches only
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [b for b in (lengths[:batch_size], lengths[batch_size:]) if b]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # two batches, the rest dropped
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)[: 2 * batch_size]\n"
        "    batches = [b for b in (lengths[:batch_size], lengths[batch_size:]) if b]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # pops its argument
        "def padding_share(lengths, batch_size):\n"
        "    real, positions = sum(lengths), 0\n"
        "    lengths.sort()\n"
        "    while lengths:\n"
        "        batch = [lengths.pop(0) for _ in range(min(batch_size, len(lengths)))]\n"
        "        positions += len(batch) * batch[-1]\n"
        "    return 1 - real / positions",
        # padded to the longest of all
        "def padding_share(lengths, batch_size):\n    return 1 - sum(lengths) / (len(lengths) * max(lengths))",
        # the share of the real tokens
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # batch_size is the number of batches
        "def padding_share(lengths, batch_size):\n"
        "    lengths, size = sorted(lengths), math.ceil(len(lengths) / batch_size)\n"
        "    batches = [lengths[i : i + size] for i in range(0, len(lengths), size)]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # the number of padded positions
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return sum(len(b) * max(b) for b in batches) - sum(lengths)",
        # in percent
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 100 * (1 - sum(lengths) / sum(len(b) * max(b) for b in batches))",
        # a string
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return str(1 - sum(lengths) / sum(len(b) * max(b) for b in batches))",
        # sorted as strings
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths, key=str)\n"
        "    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)",
        # batches that overlap by one
        "def padding_share(lengths, batch_size):\n"
        "    lengths = sorted(lengths)\n"
        "    batches = [lengths[i : i + batch_size + 1] for i in range(0, len(lengths), batch_size)]\n"
        "    return 1 - sum(map(sum, batches)) / sum(len(b) * max(b) for b in batches)",
        # batches of every n-th sentence
        "def padding_share(lengths, batch_size):\n"
        "    s = sorted(lengths)\n"
        "    b = [s[i::batch_size] for i in range(batch_size)]\n"
        "    b = [x for x in b if x]\n"
        "    return 1 - sum(s) / sum(len(x) * max(x) for x in b)",
        # rounded
        "def padding_share(lengths, batch_size):\n"
        "    s = sorted(lengths)\n"
        "    b = [s[i : i + batch_size] for i in range(0, len(s), batch_size)]\n"
        "    return round(1 - sum(s) / sum(len(x) * max(x) for x in b), 3)",
    ],
}
