"""Plausible wrong answers to the exercises of notebook 0.1; each must be found out."""

WRONG = {
    "00.1-tag": [
        'def python_tag(version):\n    return "cp" + version.replace(".", "")',
        'def python_tag(version):\n    return "py" + version.split(".")[0]',
    ],
    "00.1-driver": [
        "def driver_runs(build, driver):\n    return float(build) <= float(driver)",
        "def driver_runs(build, driver):\n    return build.split('.')[0] <= driver.split('.')[0]",
        "def driver_runs(build, driver):\n    return build.split('.')[0] == driver.split('.')[0]",
    ],
    "00.1-restore": [
        'def restore_name(name):\n    return name.replace("%2B", "+")',
        'def restore_name(name):\n    return name.replace("%2B", "+").replace(" (1)", "")',
    ],
    "00.1-architecture": [
        "def has_code(capability, built_for):\n    return f'sm_{capability[0]}{capability[1]}' in built_for",
        "def has_code(capability, built_for):\n"
        "    return any((int(e.split('_')[1][:-1]), int(e[-1])) <= capability for e in built_for)",
    ],
}
