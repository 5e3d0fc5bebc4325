"""The command line: set the course up once, then open it, test it or look at the machine.

Only the standard library is used here, because this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence

from dlcourse.install.environment import SetupError, explain, is_complete, make_venv, run, set_up, venv_python, works
from dlcourse.install.machine import ROOT, can_install, in_environment, is_ours
from dlcourse.install.shadow import chapter_folders, hiding, rename

LAB = ROOT / "dlcourse/install/lab"  # in the way of Jupyter's configuration folders: JupyterLab's defaults here
START = (f"--ServerApp.root_dir={ROOT}", "--LabApp.default_url=/lab/workspaces/dlcourse/tree/README.md")
# Two processes: at quick scale each uses half of the cores. A file, which may be a notebook, stays in one process.
PARALLEL = ("-n", "2", "--dist", "loadfile")
Others = Mapping[str, tuple[str, str]]  # commands of other rooms: the module, and the help


def main(argv: Sequence[str], others: Others) -> int:
    """Run one command and return its exit status. ``others`` are the commands of the other rooms."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks must not stop the command
            stream.reconfigure(errors="replace")
    arguments, rest = _parser(others).parse_known_args(list(argv))
    if "--" in rest:
        rest.remove("--")
    command = arguments.command
    dev = command == "test" or getattr(arguments, "dev", False)
    # An environment that is read-only and lacks nothing is used; one that lacks something, only where it can be mended.
    here = is_ours() or can_install() or (in_environment() and is_complete(arguments.cuda, dev))
    if command in ("doctor", "wheels"):
        python = venv_python(ROOT / ".venv")
        if not here and works(python):
            return run([str(python), "-m", "dlcourse", *argv])
        return int(importlib.import_module(f"dlcourse.install.{command}").main(rest))
    if command == "setup" and rest:
        _parser(others).error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if not here:
            if in_environment():
                print(f"The environment {sys.prefix} is read-only; the course uses one of its own.", flush=True)
            python = make_venv(ROOT / ".venv")
            return run([str(python), "-m", "dlcourse", *argv])
        set_up(arguments, dev=dev)
    except SetupError as error:
        print(f"dlcourse: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dlcourse: set-up failed ({error}); {explain(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndlcourse: interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130
    for path in hiding(chapter_folders()):
        print(f"dlcourse: {rename(path)}", file=sys.stderr)
    if command == "lab":
        return _lab(rest)
    if command == "test":
        return run([sys.executable, "-m", "pytest", *PARALLEL, *rest])
    if command in others:
        return int(importlib.import_module(others[command][0]).main(rest))
    return 0


def _lab(words: Sequence[str]) -> int:
    """Start JupyterLab with README beside the course's folders, or where the words say; return the exit status.

    It has a workspace of its own and other defaults (no question about news, Markdown shown as text). The student's
    settings are not written to, and win over these defaults.
    """
    elsewhere = any((ROOT / word).is_dir() or re.search("_dir|-dir|default_url", word) for word in words)
    folders = [str(LAB), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    variables = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, folders))}
    return run([sys.executable, "-m", "jupyterlab", *([] if elsewhere else START), *words], variables)


def _parser(others: Others) -> argparse.ArgumentParser:
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
        sub.add_argument(
            "--mirror", metavar="URL", help="package index to use instead of PyPI, or (…/whl) instead of PyTorch's own"
        )
        sub.add_argument("--wheels", metavar="DIR", help="install offline from this folder of wheels")
        if name == "setup":
            sub.add_argument("--dev", action="store_true", help="also install what the tests use")
    looks = {
        "doctor": "check this machine and print a fix for each problem (--json)",
        "wheels": "explain whether wheel files fit this machine: FILE or FOLDER ...",
    }
    for name, text in (looks | {name: text for name, (_, text) in others.items()}).items():
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(cuda=None, mirror=None, wheels=None)
    return parser


def _build(text: str) -> str:
    if re.fullmatch(r"cpu|xpu|cu\d{3}|rocm\d[\d.]*", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a build of PyTorch; write for example cu126, cu128 or cpu")
    return text
