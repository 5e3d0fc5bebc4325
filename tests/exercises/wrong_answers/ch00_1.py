"""Plausible wrong answers to the exercises of notebook 0.1; each must be found out."""

_HAS_CODE = (
    "def has_code(capability, built_for):\n"
    "    for entry in built_for:\n"
    "        kind, digits = entry.split('_')\n"
    "        code = int(digits[:-1]), int(digits[-1])\n"
    "        if kind == 'compute' and {compute}:\n"
    "            return True\n"
    "        if kind == 'sm' and {sm}:\n"
    "            return True\n"
    "    return False"
)
_SM = "code[0] == capability[0] and code[1] <= capability[1]"
_CHOOSE = (
    "def choose_build(capability, driver_major, builds):\n"
    "    for name, cuda_major, oldest, newest in builds:\n"
    "        if {test}:\n"
    "            return name\n"
    '    return "cpu"'
)

WRONG = {
    "00.1-build": [
        _CHOOSE.format(test="cuda_major == driver_major and oldest <= capability <= newest"),
        _CHOOSE.format(test="cuda_major <= driver_major and oldest <= capability"),
        _CHOOSE.format(test="cuda_major <= driver_major and oldest < capability <= newest"),
        _CHOOSE.format(test="cuda_major <= driver_major and oldest <= capability < newest"),
        _CHOOSE.format(test="cuda_major >= driver_major and oldest <= capability <= newest"),
        _CHOOSE.format(test="cuda_major <= driver_major and oldest[0] <= capability[0] <= newest[0]"),
        _CHOOSE.format(test="cuda_major <= driver_major and oldest <= capability <= newest").replace(
            'return "cpu"', "return None"
        ),
        "def choose_build(capability, driver_major, builds):\n"
        "    names = [n for n, c, old, new in builds if c <= driver_major and old <= capability <= new]\n"
        "    return names[-1] if names else 'cpu'",
        "def choose_build(capability, driver_major, builds):\n"
        "    builds.sort(key=lambda build: -build[1])\n"
        "    return next((n for n, c, o, w in builds if c <= driver_major and o <= capability <= w), 'cpu')",
    ],
    "00.1-driver": [
        "def driver_runs(build, driver):\n    return float(build) <= float(driver)",
        "def driver_runs(build, driver):\n    return build.split('.')[0] <= driver.split('.')[0]",
        "def driver_runs(build, driver):\n    return build.split('.')[0] == driver.split('.')[0]",
        "def driver_runs(build, driver):\n    return int(build.split('.')[0]) < int(driver.split('.')[0])",
        "def driver_runs(build, driver):\n    return int(build.split('.')[0]) >= int(driver.split('.')[0])",
        "def driver_runs(build, driver):\n    return 'yes' if build[:2] <= driver[:2] else 'no'",
        "def driver_runs(build, driver):\n    return int(int(build.split('.')[0]) <= int(driver.split('.')[0]))",
        "import numpy as np\n\n\ndef driver_runs(build, driver):\n"
        "    return np.int64(build.split('.')[0]) <= np.int64(driver.split('.')[0])",
    ],
    "00.1-restore": [
        'def restore_name(name):\n    return name.replace("%2B", "+")',
        'def restore_name(name):\n    return name.replace("%2B", "+").replace(" (1)", "")',
        'import re\n\n\ndef restore_name(name):\n    return re.sub(r"\\(\\d+\\)", "", name.replace("%2B", "+"))',
        'import re\n\n\ndef restore_name(name):\n    return re.sub(r"\\s*\\(\\d\\)", "", name.replace("%2B", "+"))',
        'import re\n\n\ndef restore_name(name):\n    return re.sub(r" \\(\\d+\\)", "", name.replace("%2B", "+"))',
        'import re\n\n\ndef restore_name(name):\n    return re.sub(r"\\s*\\(\\d+\\)", "", name)',
        "def restore_name(name):\n    name = name.replace('%2B', '+')\n    return name.partition('(')[0].strip()",
        'import re\n\n\ndef restore_name(name):\n    return re.sub(r"\\s*\\(\\d+\\)", "", name.replace("%2B", ""))',
        "def restore_name(name):\n    return 'torch-2.9.0+cu126-cp310-cp310-win_amd64.whl'",
    ],
    "00.1-architecture": [
        "def has_code(capability, built_for):\n    return f'sm_{capability[0]}{capability[1]}' in built_for",
        "def has_code(capability, built_for):\n"
        "    return any((int(e.split('_')[1][:-1]), int(e[-1])) <= capability for e in built_for)",
        _HAS_CODE.format(compute="code < capability", sm=_SM),  # strictly newer
        _HAS_CODE.format(compute="code[0] <= capability[0]", sm=_SM),  # the major number only
        _HAS_CODE.format(compute="code[0] <= capability[0] and code[1] <= capability[1]", sm=_SM),  # element by element
        _HAS_CODE.format(compute="code <= capability", sm="code[0] == capability[0]"),
        _HAS_CODE.format(compute="code <= capability", sm="code[0] == capability[0] and code[1] < capability[1]"),
        _HAS_CODE.format(compute="code <= capability", sm="code == capability"),
        _HAS_CODE.format(compute="code >= capability", sm=_SM),
        _HAS_CODE.format(compute="code <= capability", sm=_SM).replace("return False", "return None"),
        _HAS_CODE.format(compute="code <= capability", sm=_SM).replace(
            "for entry in built_for", "for entry in built_for[:1]"
        ),
        # empties the list
        _HAS_CODE.format(compute="code <= capability", sm=_SM).replace(
            "    for entry in built_for:\n", "    while built_for:\n        entry = built_for.pop()\n"
        ),
        # text compared with text
        "def has_code(capability, built_for):\n"
        "    own = f'{capability[0]}{capability[1]}'\n"
        "    return any(e.split('_')[1] <= own and (e[0] == 'c' or e[3] == own[0]) for e in built_for)",
    ],
}
