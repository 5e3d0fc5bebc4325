"""Files and folders of the student's that have a module's name. Imports only what no file can hide: sys and os."""

# ruff: noqa: PTH112, PTH118, PTH120, PTH123, PTH208
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_COURSE = {"tests", "data", "results", "checkpoints", "conftest"}
_UNUSED = {"test", "this", "antigravity", "turtle", "turtledemo", "idlelib"}  # nothing imports these


def first_folders() -> list[str]:
    """Return the folders in which Python looks before its own modules: where it was started, PYTHONPATH, the course."""
    entries = [os.curdir, ROOT, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    folders = dict.fromkeys(map(os.path.realpath, entries))
    return [folder for folder in folders if not _is_installation(_list(folder))]


def chapter_folders() -> list[str]:
    """Return the folders of the notebooks."""
    return [os.path.join(ROOT, name) for name in _list(ROOT) if name[:2].isdigit() and name[2:3] == "_"]


def hiding(folders: list[str], namespaces: bool = False) -> list[str]:
    """Return the paths in ``folders`` that Python imports in place of a module of its own or of the course's packages.

    A folder without ``__init__.py`` hides nothing that is installed: Python goes on looking. It stands for what is not
    installed, and for dlcourse, which an editable installation finds last; ``namespaces`` asks for these too.
    """
    installed, required = _installed(), _required()
    names = (set(sys.stdlib_module_names) | installed | required) - set(sys.builtin_module_names) - _COURSE - _UNUSED
    found = []
    for folder in folders:
        own = {"dlcourse"} if folder == ROOT else set()
        for entry in _list(folder):
            path, (name, _, ending) = os.path.join(folder, entry), entry.partition(".")
            if not os.path.isdir(path):
                hit = name in names - own and (ending in ("py", "pyc") or entry.endswith((".so", ".pyd")))
            elif any(inner.startswith("__init__.") for inner in _list(path)):
                hit = entry in names - own
            else:
                hit = namespaces and entry in required - installed - own
            if hit:
                found.append(path)
    return found


def rename(path: str) -> str:
    """Return one sentence that says which file or folder to rename."""
    folder, name = os.path.split(path)
    return f"{name} in {folder} has the name of a module that Python or the course needs; rename it, say to my_{name}."


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_installation(entries: list[str]) -> bool:
    """Whether these are the entries of the standard library's folder or of a site-packages folder."""
    return "__future__.py" in entries or any(entry.endswith(".dist-info") for entry in entries)


def _installed() -> set[str]:
    """Return the names of all that is installed, found by where it lies: importing anything is not safe yet."""
    own = {*first_folders(), *chapter_folders()}
    folders = [folder for folder in sys.path if os.path.realpath(folder) not in own]
    return {entry.partition(".")[0] for folder in folders for entry in _list(folder)}


def _required() -> set[str]:
    """Return the names in requirements.txt, and the course's own package."""
    with open(os.path.join(ROOT, "requirements.txt"), encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    cut = str.maketrans("<>=!~;[", "       ")
    return {"dlcourse"} | {line.translate(cut).split()[0].replace("-", "_") for line in lines if line[:1].isalnum()}
