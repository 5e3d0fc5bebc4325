"""Plausible wrong answers to the exercises of notebook 3.2; each must be found out."""

_BREVITY = (
    "def brevity(lengths, reference_lengths):\n"
    "    nearest = [min(r, key=lambda m: (abs(m - n), m)) for n, r in zip(lengths, reference_lengths)]\n"
)

WRONG: dict[str, list[str]] = {
    "03.2-leak": [
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
    ],
    "03.2-shift": [
        "def teacher_inputs(target):\n    return target",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=2)",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=2)[:, :-1]",
        "def teacher_inputs(target):\n    return F.pad(target, (1, 0), value=0)[:, :-1]",
        "def teacher_inputs(target):\n    return F.pad(target[:, 1:], (0, 1), value=2)",
        "def teacher_inputs(target):\n    target = target.roll(1, 0)\n    target[:, 0] = 2\n    return target",
        "def teacher_inputs(target):\n    target[target == 3] = 0\n    return F.pad(target, (1, 0), value=2)[:, :-1]",
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
    ],
}
