"""The environment: what runs in it, pip and its failures, the stamp, and how it is made."""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlcourse.install import environment
from dlcourse.install.errors import Explanation


@pytest.fixture(autouse=True)
def no_real_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to replace pip must not change the environment that it runs in."""
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small course in a folder of its own, inside an empty environment."""
    root, prefix = tmp_path / "course", tmp_path / "environment"
    root.mkdir()
    prefix.mkdir()
    (root / "requirements.txt").write_text(
        "# comment\ntorch>=2.6,<3\ntorchvision>=0.21,<1\nnumpy>=1.26\ntorchmetrics>=1\n-e .\n", encoding="utf-8"
    )
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(environment, "_check_disk", lambda _: None)
    monkeypatch.setattr(environment, "_has_pip", lambda _: True)
    monkeypatch.setattr(environment, "_installed_build", lambda: None)
    monkeypatch.setattr(environment, "writable", lambda folder: True)
    return root


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The pip calls, which do nothing."""
    calls: list[list[str]] = []
    monkeypatch.setattr(environment, "_pip", lambda command: calls.append(list(command)))
    return calls


def options(command: str = "lab", **values: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"command": command, "cuda": None, "mirror": None, "wheels": None, **values})


# --- a command in the environment ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 7])
def test_exit_status_is_passed_on(status: int) -> None:
    assert environment.run([sys.executable, "-c", f"raise SystemExit({status})"]) == status


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals of this kind")
def test_exit_status_of_a_killed_command() -> None:
    assert environment.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 128 + 9


def test_started_in_the_repository_with_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    code = (
        "import os, dlcourse; from pathlib import Path\n"
        f"assert Path.cwd() == Path({str(environment.ROOT)!r}), Path.cwd()\n"
        f"assert os.environ['PATH'] == {os.pathsep.join([str(Path(sys.executable).parent), str(tmp_path)])!r}"
    )
    assert environment.run([sys.executable, "-c", code]) == 0


def fake_process(monkeypatch: pytest.MonkeyPatch, *answers: object) -> list[str]:
    """Replace the started process: ``wait`` gives each answer in turn, a callable's when called."""
    left, events = list(answers), []

    def wait() -> object:
        answer = left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    process = SimpleNamespace(wait=wait, terminate=lambda: events.append("terminated"))
    monkeypatch.setattr(environment.subprocess, "Popen", lambda *_, **__: process)
    return events


def test_interrupt_waits_for_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, KeyboardInterrupt(), KeyboardInterrupt(), 3)
    assert environment.run(["anything"]) == 3


def test_ending_this_process_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> int:
        signal.raise_signal(signal.SIGTERM)
        return -15

    before = signal.getsignal(signal.SIGTERM)
    events = fake_process(monkeypatch, end)
    assert environment.run(["anything"]) == 128 + 15
    assert events == ["terminated"] and signal.getsignal(signal.SIGTERM) == before


# --- pip ---------------------------------------------------------------------------------------------------


def test_pip_commands(course: Path, tmp_path: Path) -> None:
    plain = ["install", "-r", "requirements.txt"]
    assert environment.pip_commands(None, None, None, dev=False) == [plain]
    assert environment.pip_commands(None, None, None, dev=True) == [[*plain, "-e", ".[dev]"]]
    url = "https://mirror.example/simple"
    assert environment.pip_commands(None, url, None, dev=False) == [
        ["install", "--index-url", url, "-r", "requirements.txt"]
    ]
    pair = ["torch>=2.6,<3", "torchvision>=0.21,<1"]
    first = ["install", *pair, "--index-url", "https://download.pytorch.org/whl/cu126"]
    assert environment.pip_commands("cu126", None, None, dev=False) == [first, plain]
    both = environment.pip_commands("cpu", url, None, dev=True)
    assert both[0][-1].endswith("/whl/cpu") and both[1][1:3] == ["--index-url", url]


@pytest.mark.parametrize("mirror", ["https://host/pytorch/whl", "https://host/whl/", "https://host/pytorch-wheels/cpu"])
def test_mirror_of_pytorchs_index(mirror: str, course: Path) -> None:
    pair, rest = environment.pip_commands("cpu", mirror, None, dev=False)
    assert pair[-2:] == ["--index-url", mirror.removesuffix("/cpu").rstrip("/") + "/cpu"]
    assert rest == ["install", "-r", "requirements.txt"], "it has no other packages"
    with pytest.raises(environment.SetupError, match="name the build as well, for example --cuda cu126"):
        environment.pip_commands(None, mirror, None, dev=False)


@pytest.mark.parametrize(("installed", "forced"), [(None, False), ("cu126", False), ("cpu", True), ("", True)])
def test_another_build_is_replaced(
    installed: str | None, forced: bool, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_installed_build", lambda: installed)
    *first, pair, rest = environment.pip_commands("cu126", None, None, dev=False)
    assert pair[1].startswith("torch>") and rest == ["install", "-r", "requirements.txt"]
    assert first == ([["install", "--force-reinstall", "--no-deps", *pair[1:]]] if forced else [])


@pytest.mark.parametrize(("version", "build"), [("2.6.0+cu126", "cu126"), ("2.6.0+cpu", "cpu"), ("2.6.0", "")])
def test_installed_build(version: str, build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.importlib.metadata, "version", lambda name: version)
    assert environment._installed_build() == build


def test_no_installed_build(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment.importlib.metadata, "version", missing)
    assert environment._installed_build() is None


def test_pip_commands_for_a_folder_of_wheels(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my wheels"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    for missing in ("my wheels", "nowhere"):
        with pytest.raises(environment.SetupError, match=rf"{missing} holds no \.whl file; see chapter 00"):
            environment.pip_commands(None, None, missing, dev=False)
    (folder / "torch-2.6.0-cp310-cp310-win_amd64.whl").touch()
    start = ["install", "--no-index", "--find-links", str(folder.resolve())]
    expected = [[*start, "setuptools>=77"], [*start, "--no-build-isolation", "-r", "requirements.txt"]]
    assert environment.pip_commands(None, None, "my wheels", dev=False) == expected
    assert environment.pip_commands("cu126", "https://host", "my wheels", dev=False) == expected, (
        "a folder means no index"
    )
    assert environment.pip_commands(None, None, "my wheels", dev=True)[1][-2:] == ["-e", ".[dev]"]


def test_the_real_requirements_name_the_pair() -> None:
    pair = environment.pip_commands("cpu", None, None, dev=False)[-2]
    assert [word.partition(">")[0] for word in pair[1:3]] == ["torch", "torchvision"]


def fake_pip(monkeypatch: pytest.MonkeyPatch, status: int, log: str | None) -> list[list[str]]:
    calls: list[list[str]] = []

    def run(command: list[str], variables: Mapping[str, str]) -> int:
        calls.append(command)
        if log is not None:
            Path(command[command.index("--log") + 1]).write_text(log, encoding="utf-8")
        return status

    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "pip_settings", dict)
    return calls


def test_pip_shows_its_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = fake_pip(monkeypatch, 0, "fine")
    environment._pip(["install", "-r", "requirements.txt"])
    assert calls[0][:6] == [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
    assert capsys.readouterr().out == "$ python -m pip install -r requirements.txt\n"
    environment._pip(["install", "torch>=2.6,<3", "--find-links", "my wheels", "-e", ".[dev]"])
    shown = '$ python -m pip install "torch>=2.6,<3" --find-links "my wheels" -e ".[dev]"\n'
    assert capsys.readouterr().out == shown, "it can be copied into a shell"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch>=2.6", "no build for this Python"),
        ("error: externally-managed-environment", "operating system manages this Python"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "secure connection"),
    ],
)
def test_pip_failure_names_the_cause(log: str, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, f"Collecting torch\n{log}\n")
    with pytest.raises(environment.SetupError) as caught:
        environment._pip(["install"])
    message = str(caught.value)
    assert "exit status 1" in message and cause in message and "Fix: " in message


@pytest.mark.parametrize("log", ["something unheard of", "", None])
def test_pip_failure_without_a_known_cause(log: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 2, log)
    with pytest.raises(environment.SetupError, match=r"exit status 2.*no known cause.*doctor"):
        environment._pip(["install"])


def test_cause_and_fix_come_from_the_known_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def explain(text: str) -> Explanation:
        asked.append(text)
        return Explanation("the moon.", "Wait.")

    monkeypatch.setattr("dlcourse.install.environment.explain_error", explain)
    fake_pip(monkeypatch, 1, "the log")
    with pytest.raises(environment.SetupError, match=r"likely cause: the moon\. Fix: Wait\."):
        environment._pip(["install"])
    assert asked == [""], "no line of the log complains"


@pytest.mark.parametrize("log", ["ERROR: [Errno 13] Permission denied: '/x'", "error: externally-managed-environment"])
def test_the_fix_is_never_the_command_that_failed(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    fake_pip(monkeypatch, 1, log)
    with pytest.raises(environment.SetupError) as caught:
        environment._pip(["install"])
    assert "Fix: Copy the course to a folder of your own" in str(caught.value) and "dlcourse setup" not in str(
        caught.value
    )


def test_lines_that_complain_are_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "Removing file torch/lib/fbgemm.dll\nERROR: [Errno 28] No space left on device\n"
    fake_pip(monkeypatch, 1, log)
    with pytest.raises(environment.SetupError, match="the disk is full"):
        environment._pip(["install"])


def test_a_wheel_that_the_folder_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, "ERROR: No matching distribution found for tqdm<5,>=4.66 (from x)\n")
    with pytest.raises(environment.SetupError, match=r"holds no tqdm<5,>=4\.66 that fits this Python; add its wheel"):
        environment._pip(["install", "--no-index", "--find-links", "folder", "tqdm"])


def test_interrupted_pip_is_an_interrupt(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, "ERROR: Operation cancelled by user\n")
    with pytest.raises(KeyboardInterrupt):
        environment.set_up(options(), dev=False)
    assert list(Path(sys.prefix).iterdir()) == []


# --- what pip cannot reach ---------------------------------------------------------------------------------------

NONE = (
    "12:00,1 ERROR: Could not find a version that satisfies the requirement tqdm (from versions: none)\n"
    "12:00,1 ERROR: No matching distribution found for tqdm\n"
)
PAGE = "12:00,1 Could not fetch URL https://pypi.org/simple/tqdm/: "
REFUSED = "HTTPSConnectionPool(host='{}', port=443): Max retries exceeded with url: /tqdm/ (Caused by {})\n"
CONNECTION = "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')"
PROXY_LOGS = {
    "pip 23": PAGE + "connection error: " + REFUSED.format("pypi.org", "ProxyError('Cannot connect to proxy.')") + NONE,
    "pip 26": PAGE + "proxy connection error: ('Unable to connect to proxy', " + CONNECTION + ") - skipping\n" + NONE,
    "file": "12:00,1 ERROR: Could not install packages due to an OSError: "
    + REFUSED.format("files.pythonhosted.org", "ProxyError('Cannot connect to proxy.')"),
}
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("log", PROXY_LOGS)
@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_variable_of_the_proxy_is_named(log: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://another:1")
    said = environment.unreachable(PROXY_LOGS[log], ["install", "--index-url", "https://mirror/simple"], {})
    assert f"the proxy http://127.0.0.1:9, set by {name}, cannot be reached" in said and "secret" not in said
    assert "mirror" not in said, "another index lies behind the same proxy"


@pytest.mark.usefixtures("no_proxy")
def test_the_proxy_of_an_index_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://one:1")
    monkeypatch.setenv("http_proxy", "http://two:2")
    log = PROXY_LOGS["pip 23"].replace("HTTPS", "HTTP").replace("https:", "http:")
    assert "http://two:2, set by http_proxy" in environment.unreachable(log, ["install"], {})


@pytest.mark.usefixtures("no_proxy")
def test_pips_own_proxy_and_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    log = PROXY_LOGS["pip 26"]
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://office:80"})
    said = environment.unreachable(log, ["install"], {})
    assert "http://office:80, set by the system's network settings" in said
    monkeypatch.setenv("HTTPS_PROXY", "http://one:1")
    said = environment.unreachable(log, ["install"], {"proxy": ("http://host:3128", "/home/me/pip.conf")})
    assert "http://host:3128, set by /home/me/pip.conf" in said


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("log", "said"),
    [
        (PAGE + "proxy connection error: OSError('Tunnel connection failed: 407 Proxy Authentication')\n" + NONE,
         "asks for user name and password"),
        ("ERROR: Could not install packages due to an OSError: Missing dependencies for SOCKS support.\n", "SOCKS"),
        ("ERROR: Could not install packages due to an OSError: Proxy URL had unsupported scheme foo\n", "be reached"),
    ],
)  # fmt: skip
def test_proxies_that_refuse(log: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://host:1080")
    found = environment.unreachable(log, ["install"], {})
    assert "socks5://host:1080, set by ALL_PROXY" in found and said in found


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("log", [
    "12:00,1 Could not fetch URL https://host.example/simple/tqdm/: connection error: [Errno 111] refused - skipping\n",
    PAGE.replace("pypi.org", "host.example") + "connection error: " + REFUSED.format("host.example", CONNECTION),
])  # fmt: skip
@pytest.mark.parametrize("name", ["index-url", "extra-index-url"])
@pytest.mark.parametrize("source", ["PIP_INDEX_URL", "/home/me/pip.conf"])
def test_the_source_of_a_dead_index_is_named(log: str, name: str, source: str) -> None:
    settings = {name: ("https://other.example/simple https://me:secret@host.example/simple", source)}
    said = environment.unreachable(log + NONE, ["install"], settings)
    assert f"the index https://host.example/simple, set by {source}, cannot be reached; correct it in {source}" in said


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("https://host.example/simple", "set by --mirror, cannot be reached; correct the address or try another one"),
        ("https://download.pytorch.org/whl/cu126", "set by --cuda, cannot be reached; leave --cuda out"),
    ],
)
def test_an_index_of_the_command_line(url: str, fix: str) -> None:
    log = f"Could not fetch URL {url}/tqdm/: connection error: [Errno 111] Connection refused - skipping\n" + NONE
    said = environment.unreachable(log, ["install", "--index-url", url], {"index-url": (url, "PIP_INDEX_URL")})
    assert fix in said


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("status", ["403 Client Error: No", "404 Client Error: Not Found", "502 Server Error: Bad"])
def test_an_index_that_refuses(status: str) -> None:
    url = "https://host.example/wrong"
    log = f"Could not fetch URL {url}/tqdm/: {status} for url: {url}/tqdm/ - skipping\n" + NONE
    said = environment.unreachable(log, ["install"], {"index-url": (url, "PIP_INDEX_URL")})
    assert f"the index {url}, set by PIP_INDEX_URL, refuses" in said


def test_no_index_and_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    said = environment.unreachable(NONE, ["install"], {"no-index": ("1", "PIP_NO_INDEX")})
    assert said.startswith("PIP_NO_INDEX forbids pip every index") and "--wheels" in said
    log = "ERROR: OSError: Could not find a suitable TLS CA certificate bundle, invalid path: /no.pem\n"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no.pem")
    assert "/no.pem, set by REQUESTS_CA_BUNDLE, is not there" in environment.unreachable(log, ["install"], {})


@pytest.mark.usefixtures("no_proxy")
def test_what_the_network_is_not_to_blame_for() -> None:
    log = PROXY_LOGS["pip 26"].replace(NONE, "ERROR: [Errno 28] No space left on device\n")
    assert environment.unreachable(log, ["install"], {}) == "", "a retry succeeded, and then the disk was full"
    assert environment.unreachable(NONE, ["install"], {"index-url": ("https://host/simple", "PIP_INDEX_URL")}) == ""
    dead = "Could not fetch URL https://pypi.org/simple/tqdm/: connection error: refused - skipping\n" + NONE
    assert environment.unreachable(dead, ["install"], {}) == "", "PyPI is nobody's setting: the known errors tell more"


@pytest.mark.parametrize("retries", ["0", "1"])
def test_a_real_pip_behind_a_dead_proxy(retries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for name, value in (("NO_INDEX", "0"), ("RETRIES", retries), ("INDEX_URL", "https://127.0.0.2:9/simple")):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(environment.SetupError, match="proxy http://127.0.0.1:9, set by https_proxy, cannot be reached"):
        environment._pip(["install", "no-such-package-as-this"])


# --- pip's settings ----------------------------------------------------------------------------------------------


@pytest.fixture
def pip_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only file of pip's settings, in a folder that needs UTF-8."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "设置" / "pip.conf"
    path.parent.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    return path


def test_settings_are_read_with_their_source(pip_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_conf.write_text(
        "[global]\nproxy = http://host:1\nextra-index-url =\n  https://one\n  https://two\n"
        "user = true\n[install]\nproxy = http://host:2\n[download]\nproxy = http://host:3\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_INDEX_URL", "https://three")
    monkeypatch.setenv("PIP_USER", "1")
    settings = environment.pip_settings()
    assert settings["proxy"] == ("http://host:2", str(pip_conf)) and settings["user"] == ("1", "PIP_USER")
    assert settings["index-url"] == ("https://three", "PIP_INDEX_URL")
    assert settings["extra-index-url"][0].split() == ["https://one", "https://two"]


@pytest.mark.parametrize("in_file", [True, False])
def test_pip_is_not_led_astray(in_file: bool, pip_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["user", "target", "prefix", "root", "python", "require-virtualenv", "no-deps"]
    sources = {name: f"PIP_{name.upper().replace('-', '_')}" for name in names}
    lines = "".join(f"{name} = yes\n" for name in names) if in_file else ""
    pip_conf.write_text(f"[install]\n{lines}[global]\nindex-url = https://host/simple\n", encoding="utf-8")
    for variable in () if in_file else sources.values():
        monkeypatch.setenv(variable, "yes")
    settings = environment.pip_settings()
    assert {name: settings[name] for name in names} == {
        name: ("yes", str(pip_conf) if in_file else source) for name, source in sources.items()
    }
    variables = environment.pip_variables(settings)
    assert not set(sources.values()) & set(variables) and variables["PIP_CONFIG_FILE"] == os.devnull
    assert variables["PIP_INDEX_URL"] == "https://host/simple" and variables["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("content", [b"no section", "[global]\n".encode("utf-16")])
def test_settings_that_pip_cannot_read(content: bytes, pip_conf: Path) -> None:
    pip_conf.write_bytes(content)
    with pytest.raises(environment.SetupError, match=r"cannot read its own settings \(.*pip\.conf.*rename"):
        environment.pip_settings()
    assert environment._has_pip(Path(sys.executable)), "pip is there all the same"


# --- set-up once -------------------------------------------------------------------------------------------


def stamp() -> dict[str, Any]:
    content = json.loads((Path(sys.prefix) / ".dlcourse-setup.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_second_set_up_does_nothing(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options(), dev=False)
    assert len(pip) == 1 and stamp() == {"fingerprint": environment.fingerprint(), "dev": False, "cuda": None}
    assert [file.name for file in Path(sys.prefix).iterdir()] == [".dlcourse-setup.json"]
    environment.set_up(options("lab"), dev=False)
    assert len(pip) == 1


def test_read_only_environment_is_not_installed_into(
    course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.set_up(options(), dev=False)
    monkeypatch.setattr(environment, "writable", lambda folder: False)
    environment.set_up(options("lab"), dev=False)
    environment.set_up(options("setup"), dev=False)
    assert environment.is_complete() and not environment.is_complete(dev=True) and not environment.is_complete("cpu")
    with pytest.raises(environment.SetupError, match="cannot be written; copy the course to a folder of your own"):
        environment.set_up(options("test"), dev=True)
    assert len(pip) == 1


@pytest.mark.parametrize("make", [True, False])
def test_missing_c_module_stops_set_up_before_pip(
    make: bool, course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "_lzma", None)
    with pytest.raises(environment.SetupError, match="built without _lzma. Install liblzma-dev"):
        if make:
            environment.make_venv(course / ".venv")
        else:
            environment.set_up(options(), dev=False)
    assert pip == [] and not (course / ".venv").exists()


def test_fingerprint_of_a_path_that_is_no_text(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", course / "\udce8\udcaf\udcbe")  # as Python reads it under LC_ALL=C
    (course / "\udce8\udcaf\udcbe").mkdir()
    for name in ("requirements.txt", "pyproject.toml"):
        (course / name).rename(environment.ROOT / name)
    assert len(environment.fingerprint()) == 64


def test_another_build_installs_again_once(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options(), dev=False)
    environment.set_up(options("lab", cuda="cpu"), dev=False)
    assert len(pip) == 3 and stamp()["cuda"] == "cpu"
    environment.set_up(options("lab", cuda="cpu"), dev=False)
    environment.set_up(options("lab"), dev=False)
    assert len(pip) == 3


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_install_again(course: Path, pip: list[list[str]], name: str) -> None:
    environment.set_up(options(), dev=False)
    with (course / name).open("a", encoding="utf-8") as file:
        file.write("# new\n")  # in pyproject.toml this is in the section [project]
    environment.set_up(options(), dev=False)
    assert len(pip) == 2
    environment.set_up(options(), dev=False)
    assert len(pip) == 2


def test_settings_of_the_tools_install_nothing(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options(), dev=False)
    with (course / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.ruff]\n')
    environment.set_up(options(), dev=False)
    assert len(pip) == 1


def test_environment_without_pip(course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_has_pip", lambda _: False)
    with pytest.raises(environment.SetupError, match="has no pip; add it"):
        environment.set_up(options(), dev=False)
    assert pip == []


def test_environment_that_cannot_be_written(
    course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    for count in (1, 2):
        environment.set_up(options(), dev=False)
        assert len(pip) == count, "complete, but nobody remembers it"


def test_another_interpreter_installs_again(
    course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.set_up(options(), dev=False)
    monkeypatch.setattr(sys, "version", "3.99.0 (another build)")
    environment.set_up(options(), dev=False)
    assert len(pip) == 2


def test_tests_after_lab_add_the_development_section_once(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options(), dev=False)
    environment.set_up(options("test"), dev=True)
    assert len(pip) == 2 and ".[dev]" in pip[1] and stamp()["dev"] is True
    environment.set_up(options("test"), dev=True)
    environment.set_up(options("lab"), dev=False)
    assert len(pip) == 2


def test_development_section_is_not_claimed_for_changed_requirements(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options("test"), dev=True)
    (course / "pyproject.toml").write_text("[project]\n# another development section\n", encoding="utf-8")
    environment.set_up(options("lab"), dev=False)
    assert ".[dev]" not in pip[1]
    environment.set_up(options("test"), dev=True)
    assert len(pip) == 3 and ".[dev]" in pip[2]


def test_setup_with_a_choice_installs_again_and_keeps_the_rest(course: Path, pip: list[list[str]]) -> None:
    environment.set_up(options("test"), dev=True)
    environment.set_up(options("setup", cuda="cpu"), dev=False)
    assert len(pip) == 3 and pip[1][-1].endswith("/cpu") and ".[dev]" in pip[2] and stamp()["dev"] is True
    environment.set_up(options("test"), dev=True)
    assert len(pip) == 3
    environment.set_up(options("setup"), dev=False)
    assert len(pip) == 4 and stamp()["cuda"] == "cpu", "setup by name always looks again"
    environment.set_up(options("lab"), dev=False)
    assert len(pip) == 4


def test_failure_leaves_no_stamp(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_pip(monkeypatch, 1, "")
    for _ in range(2):
        with pytest.raises(environment.SetupError):
            environment.set_up(options(), dev=False)
    assert len(calls) == 2 and list(Path(sys.prefix).iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '{"fingerprint": 3}', "\x00\xff"])
def test_damaged_stamp_installs_again(course: Path, pip: list[list[str]], content: str) -> None:
    (Path(sys.prefix) / ".dlcourse-setup.json").write_text(content, encoding="latin-1")
    environment.set_up(options(), dev=False)
    assert len(pip) == 1 and stamp()["fingerprint"] == environment.fingerprint()


def test_bad_folder_of_wheels_leaves_no_stamp(course: Path, pip: list[list[str]], tmp_path: Path) -> None:
    with pytest.raises(environment.SetupError, match="holds no"):
        environment.set_up(options("setup", wheels=str(tmp_path / "none")), dev=False)
    assert pip == [] and list(Path(sys.prefix).iterdir()) == []


@pytest.mark.parametrize(
    ("system", "cuda", "free", "fits"),
    [
        ("linux", None, 8.9, False), ("linux", None, 9.1, True), ("linux", "cpu", 3.1, True),
        ("linux", "cpu", 2.9, False), ("win32", None, 3.1, True), ("win32", "cu126", 3.1, False),
        ("win32", "cu126", 9.1, True), ("darwin", None, 3.1, True), ("darwin", None, 1.0, False),
    ],
)  # fmt: skip
def test_disk(system: str, cuda: str | None, free: float, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "platform", system)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 1e9))
    monkeypatch.setattr(environment, "has_module", lambda _: False)
    if fits:
        environment._check_disk(cuda)
        return
    with pytest.raises(environment.SetupError) as caught:
        environment._check_disk(cuda)
    message = str(caught.value)
    assert f"{free:.1f} GB are free" in message and "free some space" in message
    assert ("--cuda cpu" in message) == (system == "linux" and cuda is None or cuda == "cu126")


def test_disk_is_enough_when_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e8))
    monkeypatch.setattr(environment, "has_module", lambda _: True)
    environment._check_disk(None)


# --- the virtual environment -------------------------------------------------------------------------------


def fake_venv(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[Path]:
    """Replace ``venv.create``; an environment runs when its Python is a file that says ``works``."""
    made: list[Path] = []

    def create(folder: Path, with_pip: bool, symlinks: bool, prompt: str) -> None:
        assert with_pip and symlinks == (os.name != "nt"), "as `python -m venv` does"
        made.append(folder)
        file = environment.venv_python(folder)
        file.parent.mkdir(parents=True)
        if error is not None:
            raise error
        file.write_text("works", encoding="utf-8")

    def runs(file: Path) -> bool:
        return file.is_file() and file.read_text(encoding="utf-8") == "works"

    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(environment, "works", runs)
    monkeypatch.setattr(environment, "_has_pip", lambda _: True)
    return made


def test_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    assert environment.make_venv(folder) == environment.make_venv(folder) == environment.venv_python(folder)
    assert made == [folder]


@pytest.mark.parametrize("state", ["empty", "broken", "file"])
def test_broken_environment_is_made_again(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    if state == "file":
        folder.touch()
    else:
        folder.mkdir()
        (folder / "rest").touch()
    if state == "broken":
        environment.venv_python(folder).parent.mkdir()
        environment.venv_python(folder).write_text("broken", encoding="utf-8")
    assert environment.make_venv(folder) == environment.venv_python(folder)
    assert made == [folder] and not (folder / "rest").exists()
    assert "broken or unfinished; making it again" in capsys.readouterr().out


def test_missing_ensurepip_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    monkeypatch.setattr(environment, "has_module", lambda _: False)
    with pytest.raises(environment.SetupError, match=r"no ensurepip.*`sudo apt install python3\.\d+-venv`"):
        environment.make_venv(tmp_path / ".venv")
    assert made == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [False, True])
def test_unwritable_folder(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    if there:
        (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(environment, "writable", lambda _: False)
    with pytest.raises(environment.SetupError) as caught:
        environment.make_venv(tmp_path / ".venv")
    assert f"the folder {tmp_path} cannot be written; copy the course" in str(caught.value)
    assert made == [] and (tmp_path / ".venv").exists() == there


def test_broken_environment_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_venv(monkeypatch)
    (tmp_path / ".venv").mkdir()

    def refuse(folder: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(environment.shutil, "rmtree", refuse)
    with pytest.raises(environment.SetupError, match=r"could not be made.*Permission denied"):
        environment.make_venv(tmp_path / ".venv")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), subprocess.CalledProcessError(1, ["ensurepip"])]
)
def test_failed_environment_leaves_nothing(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_venv(monkeypatch, error)
    with pytest.raises(environment.SetupError, match="could not be made"):
        environment.make_venv(tmp_path / ".venv")
    assert list(tmp_path.iterdir()) == []


def test_which_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not environment.works(tmp_path / "none")
    (tmp_path / "text").write_text("no program", encoding="utf-8")
    assert not environment.works(tmp_path / "text")

    def succeeds(python: Path, *words: str) -> bool:  # as if this Python were in no environment
        code = words[-1].replace("sys.prefix == sys.base_prefix", "True")
        return subprocess.run([python, *words[:-1], code]).returncode == 0

    monkeypatch.setattr(environment, "_succeeds", succeeds)
    assert not environment.works(Path(sys.executable)), "outside an environment it would start itself without end"


@pytest.mark.parametrize("stamped", [True, False])
def test_pip_is_looked_at_until_set_up_is_complete(
    stamped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    environment.make_venv(folder)
    monkeypatch.setattr(environment, "_has_pip", lambda _: False)
    if stamped:
        (folder / environment.STAMP).touch()
    environment.make_venv(folder)
    assert len(made) == (1 if stamped else 2)


def test_missing_pip_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def succeeds(python: Path, *words: str) -> bool:
        done.append(words[1])
        return words[1] == "ensurepip" or "ensurepip" in done

    monkeypatch.setattr(environment, "_succeeds", succeeds)
    assert environment._has_pip(Path("python")) and done == ["pip", "ensurepip", "pip"]
