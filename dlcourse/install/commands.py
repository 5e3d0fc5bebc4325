"""The command line: set the course up once, then open it, test it or look at the machine.

Only the standard library is used here, because this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import io
import re
import sys
from collections.abc import Sequence

from dlcourse.install.environment import SetupError, explain, make_venv, run, set_up, venv_python, works
from dlcourse.install.machine import ROOT, in_environment


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks must not stop the command
            stream.reconfigure(errors="replace")
    arguments, rest = _parser().parse_known_args(list(argv))
    if "--" in rest:
        rest.remove("--")
    command = arguments.command
    if command in ("doctor", "wheels"):
        python = venv_python(ROOT / ".venv")
        if not in_environment() and works(python):
            return run([str(python), "-m", "dlcourse", *argv])
        module = importlib.import_module(f"dlcourse.install.{command}")
        return int(module.main(rest))
    if command == "setup" and rest:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if not in_environment():
            python = make_venv(ROOT / ".venv")
            return run([str(python), "-m", "dlcourse", *argv])
        set_up(arguments, dev=command == "test" or getattr(arguments, "dev", False))
    except SetupError as error:
        print(f"dlcourse: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dlcourse: set-up failed ({error}); {explain(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndlcourse: interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130
    if command == "lab":
        return run([sys.executable, "-m", "jupyterlab", *rest])
    if command == "test":
        return run([sys.executable, "-m", "pytest", *rest])
    if command in ("download", "execute"):
        module = importlib.import_module(
            {"download": "dlcourse.data", "execute": "dlcourse.authoring.execute"}[command]
        )
        return int(module.main(rest))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dlcourse", description="Deep Learning Basics, from a bare machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in {
        "lab": "set up once, then open the course in JupyterLab (further arguments go to JupyterLab)",
        "test": "set up once, then run every notebook and all tests (further arguments go to pytest)",
        "setup": "only install",
    }.items():
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.add_argument(
            "--cuda", metavar="BUILD", type=_build, help="PyTorch build from PyTorch's own index: cu126, cu128, …, cpu"
        )
        sub.add_argument("--mirror", metavar="URL", help="package index to use instead of PyPI")
        sub.add_argument("--wheels", metavar="DIR", help="install offline from this folder of wheels")
        if name == "setup":
            sub.add_argument("--dev", action="store_true", help="also install what the tests use")
    for name, text in {
        "doctor": "check this machine and print a fix for each problem (--json)",
        "wheels": "explain whether wheel files fit this machine: FILE or FOLDER",
        "download": "fetch the full-scale data (default: all; --list shows the names)",
        "execute": "run notebooks from a fresh kernel and write them back with their outputs",
    }.items():
        sub = commands.add_parser(name, help=text, description=text, add_help=False, allow_abbrev=False)
        sub.set_defaults(cuda=None, mirror=None, wheels=None)
    return parser


def _build(text: str) -> str:
    if re.fullmatch(r"cpu|xpu|cu\d{3}|rocm\d[\d.]*", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a build of PyTorch; write for example cu126, cu128 or cpu")
    return text
