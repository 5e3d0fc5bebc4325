"""Right answers to the exercises of notebook 0.1 that differ from the folded solution; each must pass."""

RIGHT = {
    "00.1-tag": [
        'def python_tag(version):\n    return "cp" + "".join(version.split(".")[:2])',
        'import re\n\n\ndef python_tag(version):\n    return re.sub(r"^(\\d+)\\.(\\d+).*$", r"cp\\1\\2", version)',
        'def python_tag(version):\n    major, rest = version.split(".", 1)\n'
        "    return f\"cp{major}{rest.partition('.')[0]}\"",
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
