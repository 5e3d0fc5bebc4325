"""Right answers to the exercises of notebook 0.1 that differ from the folded solution; each must pass."""

RIGHT = {
    "00.1-build": [
        "def choose_build(capability, driver_major, builds):\n"
        "    fits = (n for n, c, o, w in builds if c <= driver_major and o <= capability <= w)\n"
        "    return next(fits, 'cpu')",
        "def choose_build(capability, driver_major, builds):\n"
        "    number = capability[0] * 100 + capability[1]\n"
        "    for name, cuda, (a, b), (c, d) in builds:\n"
        "        if not cuda > driver_major and a * 100 + b <= number and number <= c * 100 + d:\n"
        "            return name\n"
        "    else:\n"
        "        return 'cpu'",
    ],
    "00.1-driver": [
        "def driver_runs(build, driver):\n    return float(build) // 1 <= float(driver) // 1",
        "def driver_runs(build, driver):\n"
        "    build, driver = (tuple(map(int, v.split('.'))) for v in (build, driver))\n"
        "    return build[0] == driver[0] or build < driver",
    ],
    "00.1-restore": [
        # the mark only where a browser puts it, before .whl
        "import re\n\n\ndef restore_name(name):\n"
        '    return re.sub(r" ?\\(\\d+\\)(?=\\.whl$)", "", name.replace("%2B", "+"))',
        "import urllib.parse\n\n\ndef restore_name(name):\n"
        "    name = urllib.parse.unquote(name)\n"
        '    return name.partition("(")[0].removesuffix(".whl").rstrip() + ".whl"',
        "def restore_name(name):\n"
        '    stem = name.removesuffix(".whl")\n'
        '    if stem.endswith(")"):\n        stem = stem[: stem.rindex("(")].strip()\n'
        '    return stem.replace("%2B", "+") + ".whl"',
    ],
    "00.1-architecture": [
        "def has_code(capability, built_for):\n"
        "    def runs(entry):\n"
        "        kind, number = entry.split('_')\n"
        "        major, minor = divmod(int(number), 10)\n"
        "        return (major, minor) <= capability and (kind == 'compute' or major == capability[0])\n"
        "    return any(map(runs, built_for))",
        "def has_code(capability, built_for):\n"
        "    major, minor = capability\n"
        "    exact = {f'sm_{major}{m}' for m in range(minor + 1)}\n"
        "    return bool(exact & set(built_for)) or any(\n"
        "        int(e[8:]) <= 10 * major + minor for e in built_for if e.startswith('compute_')\n"
        "    )",
    ],
}
