"""``python -m dlcourse``: makes sure that the rest can be imported, in words that every Python understands, and starts.

Only ``sys`` and ``os`` are imported before the look for files that hide a module.
"""

import os
import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "The course needs Python 3.10 or newer, and this is Python %d.%d; install a newer one from "
        "https://www.python.org/downloads/ and run the command with it.\n" % tuple(sys.version_info[:2])
    )
    sys.exit(2)

# The commands of the other rooms: the module, whose main(argv) returns the exit status, and the help.
COMMANDS = {
    "download": ("dlcourse.download", "fetch the full-scale data: [NAME ...] (default: all; --list shows the names)"),
    "execute": (
        "dlcourse.authoring.execute",
        "run notebooks from a fresh kernel and write them back with their outputs: NOTEBOOK ...",
    ),
    "record": (
        "dlcourse.authoring.record",
        "record runs over seeds under results/: [NOTEBOOK ...] [--seeds N] [--scale full]",
    ),
    "site": ("dlcourse.authoring.site", "build a static site of the notebooks in build/site, without running them"),
    "slides": ("dlcourse.authoring.slides", "make a lecture view in build/slides, one HTML file: NOTEBOOK ... or all"),
    "readme": ("dlcourse.authoring.readme", "write README's tables and MEASURED.md from the recorded runs"),
}

if __name__ == "__main__":
    if sys.getfilesystemencoding() != "utf-8" and os.name != "nt":  # any file name can then be read and printed
        command = [sys.executable, "-m", "dlcourse"] + sys.argv[1:]
        os.execve(sys.executable, command, dict(os.environ, PYTHONUTF8="1"))

    from dlcourse.install.shadow import first_folders, hiding, rename

    found = hiding(first_folders())
    if found and sys.argv[1:2] != ["doctor"]:
        sys.stderr.write("dlcourse: " + "\ndlcourse: ".join(map(rename, found)) + "\n")
        sys.exit(1)
    if found:  # the doctor reports it with all the rest, and must not import it
        own = set(first_folders())
        sys.path.sort(key=lambda entry: os.path.realpath(entry) in own)

    from dlcourse.install.commands import main

    sys.exit(main(sys.argv[1:], COMMANDS))
