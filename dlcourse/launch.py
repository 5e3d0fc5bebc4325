"""Start a script in several processes with PyTorch's torchrun, and be sure that none of them is left behind.

A process that trains beside others can hang, or outlive a notebook that was closed. So each worker holds a connection
to the process that started it, and ends itself when that connection ends: ``python -m dlcourse.launch script.py`` is a
worker. This works in the same way on Linux, macOS and Windows. Only the standard library is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_LINE = "DLCOURSE_LIFELINE"  # the port that a worker connects to
_PROBE = """import json, sys
import torch
from torch import distributed as dist
dist.init_process_group("gloo")
total = torch.ones(1)
dist.all_reduce(total)
if dist.get_rank() == 0:
    with open(sys.argv[-1], "w", encoding="utf-8") as file:
        json.dump({"total": total.item()}, file)
dist.destroy_process_group()
"""
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}  # so that gloo needs no name of this machine in the network
_state = {"worked": False, "broken": ""}


class JobError(RuntimeError):
    """A script under torchrun failed; ``log`` is all that agents and workers printed."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


def torchrun(
    script: Path | str,
    *arguments: Any,
    processes: int = 2,
    nodes: int = 1,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> dict[str, Any]:
    """Run ``script arguments --result FILE`` in ``processes`` workers a node, and return the JSON that is in FILE.

    ``nodes`` torchrun agents stand for as many machines and find each other at a port of this one. ``options`` go to
    torchrun, ``environment`` is added to that of the workers. The result gets ``seconds`` and ``log``, what agents and
    workers printed. Raises JobError with the end of the log when a node fails, writes no result, or is not done
    after ``timeout`` seconds. However it ends, no process, port or temporary file is left.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="dlcourse-", ignore_cleanup_errors=True) as name, _lifeline() as line:
        folder = Path(name)
        result, log = folder / "result.json", folder / "log.txt"
        command = [
            sys.executable, "-m", "torch.distributed.run", f"--nnodes={nodes}", f"--nproc-per-node={processes}",
            "--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{_free_port() if nodes > 1 else 0}",
            "--rdzv-id=dlcourse", "--local-addr=127.0.0.1", f"--log-dir={folder / 'logs'}", *options,
            "-m", "dlcourse.launch", str(script), *map(str, arguments), "--result", str(result),
        ]  # fmt: skip
        variables = _variables(folder, line, environment or {})
        agents: list[subprocess.Popen[bytes]] = []
        try:
            with log.open("wb") as output:
                for _ in range(nodes):
                    agents.append(
                        subprocess.Popen(
                            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables,
                            start_new_session=True,  # the stop button of Jupyter reaches this process only
                        )
                    )  # fmt: skip
                problem = _wait(agents, begun + timeout)
        finally:
            for agent in agents:
                _end(agent)
        text = log.read_text(encoding="utf-8", errors="replace")
        if not problem and not result.exists():
            problem = "it wrote no result"
        if problem:
            raise JobError(f"{Path(script).name} under torchrun: {problem}. The end of its log:\n{text[-3000:]}", text)
        content: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return {**content, "seconds": time.perf_counter() - begun, "log": text}


def job(name: str, script: Path | str, *arguments: Any, recorded: Path, **settings: Any) -> dict[str, Any]:
    """Return ``torchrun(script, …)``; where torchrun does not work, say so and return what was recorded.

    ``name`` names the result in the file ``recorded``. torchrun does not work where two processes that only add two
    numbers fail as well; where those succeed, the failure of a script is an error. While results are being recorded for
    the course, nothing recorded is returned. The variable ``DLCOURSE_PROCESSES`` may be ``recorded`` (start nothing) or
    ``record`` (write the results into ``recorded``).
    """
    mode = os.environ.get("DLCOURSE_PROCESSES", "")
    if mode == "recorded":
        _state["broken"] = _state["broken"] or "DLCOURSE_PROCESSES is 'recorded'"
    if not _state["broken"]:
        try:
            found = torchrun(script, *arguments, **settings)
        except Exception as error:
            if _state["worked"] or mode == "record" or _works():
                raise
            _state["broken"] = _reason(str(error) or repr(error))
        else:
            _state["worked"] = True
            if mode == "record":
                store(recorded, name, found)
            return found
    if os.environ.get("DLCOURSE_RECORD"):
        raise JobError(f"Several processes cannot be started here ({_state['broken']}): nothing to record.", "")
    print(
        f"Several processes cannot be started with torchrun here ({_state['broken']}), so what follows of “{name}” was "
        "recorded on another machine."
    )
    return {"log": "", **stored(recorded, name)}


def _works() -> bool:
    """Whether two processes that only add two numbers can be started with torchrun."""
    with tempfile.TemporaryDirectory(prefix="dlcourse-", ignore_cleanup_errors=True) as name:
        probe = Path(name) / "probe.py"
        probe.write_text(_PROBE, encoding="utf-8")
        try:
            return bool(torchrun(probe, timeout=120)["total"] == 2)
        except Exception:
            return False


def _reason(text: str) -> str:
    """Return the last line that names an error, or the last one that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.search(r"\b\w*(?:Error|Exception)\b: ", line)]
    return (named or lines)[-1][-150:]


def stored(recorded: Path, name: str) -> dict[str, Any]:
    """Return what was recorded as ``name``."""
    content: dict[str, Any] = json.loads(recorded.read_text(encoding="utf-8"))[name]
    return content


def store(path: Path, name: str, found: Mapping[str, Any]) -> None:
    """Record a result as ``name``, without its log."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content[name] = {key: value for key, value in found.items() if key != "log"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def _variables(folder: Path, port: int, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of agents and workers; their temporary folder is ``folder``."""
    found = dict(os.environ)
    found |= {_LINE: str(port), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    found |= {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    if sys.platform in _LOOPBACK:
        found.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK[sys.platform])
    if sys.platform == "win32":
        found["USE_LIBUV"] = "0"  # PyTorch for Windows is built without it: pytorch issue 139990
    return {**found, **more}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(agents: Sequence[subprocess.Popen[bytes]], deadline: float) -> str:
    """Wait for all agents; return what went wrong, or an empty text. One that failed ends the waiting."""
    while True:
        codes = [agent.poll() for agent in agents]
        if any(codes):
            return f"it ended with code {next(filter(None, codes))}"
        if all(code == 0 for code in codes):
            return ""
        if time.perf_counter() > deadline:
            return "it was not done in time"
        time.sleep(0.05)


def _end(agent: subprocess.Popen[bytes]) -> None:
    """Ask an agent to end itself and its workers, then make it end."""
    if agent.poll() is None:
        agent.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            agent.wait(20)
    if agent.poll() is None:
        agent.kill()
    agent.wait()


@contextlib.contextmanager
def _lifeline() -> Iterator[int]:
    """Give a port that workers connect to; at the end let go of them, and wait until each is gone."""
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    held: list[socket.socket] = []
    try:
        yield server.getsockname()[1]
    finally:
        server.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                held.append(server.accept()[0])
        server.close()
        for connection in held:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        for connection in held:
            with contextlib.suppress(OSError), connection:
                connection.settimeout(20)
                connection.recv(1)  # returns, or raises, when the worker's end is closed


def _follow(port: int) -> None:
    """End this process as soon as the one that listens at ``port`` lets go or is gone."""
    line = socket.create_connection(("127.0.0.1", port))

    def watch() -> None:
        with contextlib.suppress(OSError):
            line.recv(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(argv: Sequence[str]) -> None:
    """Be a worker: follow the process that started torchrun, and run a script with its arguments."""
    if os.environ.get(_LINE):
        _follow(int(os.environ[_LINE]))
    sys.argv = list(argv)
    sys.path[0] = str(Path(argv[0]).resolve().parent)
    runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
