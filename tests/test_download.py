"""Downloads against a local server that misbehaves on demand."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pooch
import pytest

from dlcourse import download
from dlcourse.download import DownloadError, Resource, fetch, replacing

PAYLOAD = random.Random(0).randbytes(300_000)  # does not shrink, so that cuts hit the middle
PACKED = gzip.compress(PAYLOAD, mtime=0)
NAME = "Fake/raw/numbers"


class Server:
    """Serves bytes from memory; ``faults`` holds what goes wrong in the next requests to a path, one word each.

    ``404`` and other numbers: that status. ``cut``: the connection ends in the middle. ``silent``: no answer.
    ``stall``: half of the file, then nothing. With ``together``, answers wait until so many requests are there.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.log: list[tuple[str, int]] = []  # path, status
        self.closing = threading.Event()
        self.together: threading.Barrier | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        faults = self.faults.get(handler.path, [])
        fault = faults.pop(0) if faults else ""
        body, status = self.files.get(handler.path, b""), 200
        if fault.isdigit() or handler.path not in self.files:
            body, status = b"an error page", int(fault or 404)
        self.log.append((handler.path, status))
        if self.together is not None:
            self.together.wait(60)
        if fault == "silent":
            self.closing.wait(20)
            return
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body[: len(body) // 2] if fault in ("cut", "stall") else body)
            handler.wfile.flush()
        except OSError:
            return  # the client went away
        if fault == "stall":
            self.closing.wait(20)

    def statuses(self) -> list[int]:
        return [status for _, status in self.log]

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Use folders of this test, and note the pauses between attempts instead of waiting."""
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DLCOURSE_MIRROR", raising=False)
    monkeypatch.setattr(download, "TIMEOUT", (60.0, 60.0))
    waited: list[float] = []
    monkeypatch.setattr(pooch.core.time, "sleep", waited.append)
    return waited


def published(server: Server, *mirrors: str) -> Resource:
    """Return a file that the server offers, packed, under each mirror's name."""
    for mirror in mirrors:
        server.files.setdefault(f"/{mirror}/numbers.gz", PACKED)
    urls = tuple(f"{server.url}/{mirror}/numbers.gz" for mirror in mirrors)
    return Resource(NAME, urls, len(PAYLOAD), f"sha256:{hashlib.sha256(PAYLOAD).hexdigest()}", gzipped=True)


def kept() -> Path:
    """Return where the file belongs, in a folder that exists."""
    path = download.data_folder() / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def check_arrived(path: Path) -> None:
    assert path == kept() and path.read_bytes() == PAYLOAD
    assert [file.name for file in path.parent.iterdir()] == ["numbers"], "temporary files are left"


# --- downloads that succeed --------------------------------------------------------------------------------


def test_full_download(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    check_arrived(fetch(published(server, "a")))
    assert server.log == [("/a/numbers.gz", 200)]
    shown = capfd.readouterr()
    assert "numbers" in shown.err and shown.out == "", "the progress bar belongs on standard error"
    assert str(kept().parent) not in shown.err, "pooch tells about temporary places"


def test_good_file_is_not_fetched_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = published(server, "a")
    path = fetch(resource)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("the folder may be read-only"))
    changed = path.stat().st_mtime_ns
    assert fetch(resource) == path
    assert len(server.log) == 1 and path.stat().st_mtime_ns == changed


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_a_shared_folder(server: Server) -> None:
    assert fetch(published(server, "a")).stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize("found", [b"", b"short", b"x" * len(PAYLOAD), PAYLOAD + b"x"])
def test_damaged_file_is_replaced(server: Server, found: bytes) -> None:
    kept().write_bytes(found)
    check_arrived(fetch(published(server, "a")))


@pytest.mark.parametrize("faults", [["cut"], ["503", "500"], ["cut", "503"]])
def test_cut_connection_and_busy_server_are_tried_again(server: Server, pauses: list[float], faults: list[str]) -> None:
    server.faults["/a/numbers.gz"] = list(faults)
    check_arrived(fetch(published(server, "a")))
    assert len(server.log) == len(faults) + 1 and pauses == [1, 2][: len(faults)]


@pytest.mark.parametrize("fault", ["cut", "503"])
def test_lasting_fault_leads_to_the_next_mirror(server: Server, fault: str) -> None:
    server.faults["/a/numbers.gz"] = [fault] * 9
    check_arrived(fetch(published(server, "a", "b")))
    assert [path for path, _ in server.log] == ["/a/numbers.gz"] * (download.RETRIES + 1) + ["/b/numbers.gz"]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_missing_file_leads_to_the_next_mirror_at_once(server: Server, status: int) -> None:
    server.faults["/a/numbers.gz"] = [str(status)]
    check_arrived(fetch(published(server, "a", "b")))
    assert server.statuses() == [status, 200]


def test_own_mirrors_come_first_in_order(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_MIRROR", f" not an address , ,{server.url}/gone,{server.url}/own/ ")
    server.files[f"/own/{NAME}.gz"] = PACKED
    check_arrived(fetch(published(server, "a")))
    assert [path for path, _ in server.log] == [f"/gone/{NAME}.gz", f"/own/{NAME}.gz"]


def test_unpacked_file_of_unknown_size(server: Server) -> None:
    digest = f"sha1:{hashlib.sha1(PAYLOAD).hexdigest()}"
    server.files.update({"/a/plain": b"z" * len(PAYLOAD), "/b/plain": PAYLOAD})
    assert fetch(Resource(NAME, (f"{server.url}/a/plain", f"{server.url}/b/plain"), None, digest)) == kept()
    check_arrived(kept())


# --- several at once ---------------------------------------------------------------------------------------

SCRIPT = """
import ast, sys
from dlcourse.download import Resource, fetch
print(fetch(Resource(*ast.literal_eval(sys.argv[1]))))
"""


@pytest.mark.parametrize("found", [None, b"damaged"])
def test_threads_that_fetch_one_file_at_once_all_succeed(server: Server, found: bytes | None) -> None:
    if found is not None:
        kept().write_bytes(found)
    resource, server.together = published(server, "a"), threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(fetch, [resource] * 6)) == {kept()}
    check_arrived(kept())
    assert server.statuses() == [200] * 6, "the threads were not at work at once"


def test_processes_that_fetch_one_file_at_once_all_succeed(server: Server) -> None:
    resource, server.together = published(server, "a"), threading.Barrier(3)
    fields = repr((resource.path, resource.urls, resource.size, resource.digest, True))
    command = [sys.executable, "-c", SCRIPT, fields]
    started = [
        subprocess.Popen(command, cwd=download.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
        assert out.decode().strip() == str(kept())
    check_arrived(kept())
    assert server.statuses() == [200] * 3


def test_file_that_another_process_put_there_first(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, target: Path) -> None:  # as Windows does while another process reads the file
        target.write_bytes(PAYLOAD)
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "replace", refuse)
    check_arrived(fetch(published(server, "a")))


def test_replacing_leaves_nothing_of_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyError
    assert list(path.parent.iterdir()) == []
    with replacing(path) as one, replacing(path) as two:
        assert one != two
        one.write_bytes(b"1")
        two.write_bytes(b"2")
        written = one.stat().st_ino
    assert path.stat().st_ino == written, "copied: a reader could meet half of it"
    assert [file.read_bytes() for file in path.parent.iterdir()] == [b"1"]


# --- texts -------------------------------------------------------------------------------------------------


def zipped(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, members: dict[str, str]) -> None:
    """Publish a zip file of these members as the dataset ``pairs``, whose text is ``pairs/text``."""
    path = tmp_path / "published.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    content = server.files["/pairs.zip"] = path.read_bytes()
    digest = f"sha1:{hashlib.sha1(content).hexdigest()}"
    resource = Resource("pairs.zip", (f"{server.url}/pairs.zip",), None, digest, member="pairs/text")
    monkeypatch.setattr(download, "RESOURCES", {"pairs": (resource,), "MNIST": (resource, resource)})


def test_text_of_an_archive(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    zipped(server, monkeypatch, tmp_path, {"pairs/about": "x", "pairs/text": "Go.\tVa !\nRun!\tCours\u202f!\n"})
    assert download.read_text("pairs") == download.read_text("pairs") == "Go.\tVa !\nRun!\tCours\u202f!\n"
    assert server.statuses() == [200]
    for name in ("cats", "MNIST"):
        with pytest.raises(ValueError, match=f"'{name}' is no text; there are: pairs."):
            download.read_text(name)


@pytest.mark.parametrize("member", ["../pairs/text", "/pairs/text", "../../escaped", "other"])
def test_archive_with_an_evil_path_writes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, member: str
) -> None:
    zipped(server, monkeypatch, tmp_path, {member: "evil"})
    before = {path for path in tmp_path.parent.rglob("*") if path.is_file()}
    with pytest.raises(DownloadError, match=r"no readable pairs/text; delete it"):
        download.read_text("pairs")
    after = {path for path in tmp_path.parent.rglob("*") if path.is_file()}
    assert after - before == {download.data_folder() / "pairs.zip"}


# --- downloads that fail -----------------------------------------------------------------------------------


def flipped() -> bytes:
    middle = len(PACKED) // 2
    return PACKED[:middle] + bytes([PACKED[middle] ^ 1]) + PACKED[middle + 1 :]


WRONG = {  # what came: the reason that is told
    "another file": (gzip.compress(b"z" * len(PAYLOAD)), "the bytes differ from the published file"),
    "one bit": (flipped(), "the bytes differ from the published file"),
    "not gzip": (b"neither packed nor a page", "the bytes differ from the published file"),
    "truncated": (PACKED[: len(PACKED) // 2], "the bytes differ from the published file"),
    "empty": (b"", "the bytes differ from the published file"),
    "login page": (b"\xef\xbb\xbf\n<!DOCTYPE html><title>Log in</title>", "a web page came in place of the file"),
    "bomb": (gzip.compress(bytes(1 << 25)), "differ from the published file: there are too many"),
    "endless": (PACKED + bytes(len(PACKED)), "differ from the published file: there are too many"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_bytes_are_never_used(server: Server, kind: str) -> None:
    server.files["/a/numbers.gz"], reason = WRONG[kind]
    with pytest.raises(DownloadError, match=reason):
        fetch(published(server, "a"))
    assert list(kept().parent.iterdir()) == []
    check_arrived(fetch(published(server, "a", "b")))


@pytest.mark.parametrize("kind", ["bomb", "endless"])
def test_no_more_is_written_than_is_published(server: Server, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    server.files["/a/numbers.gz"], _ = WRONG[kind]
    sizes, real = [], os.remove

    def remove(path: Any, **options: Any) -> None:
        sizes.append(Path(path).stat().st_size)
        real(path, **options)

    monkeypatch.setattr(pooch.utils.os, "remove", remove)
    with pytest.raises(DownloadError):
        fetch(published(server, "a"))
    assert len(sizes) == 1 and sizes[0] <= len(PAYLOAD)


def test_bomb_is_not_unpacked_in_memory() -> None:
    incoming = download._Incoming(io.BytesIO(), Resource(NAME, (), 1000, "", gzipped=True))
    bomb = gzip.compress(bytes(1 << 25))
    tracemalloc.start()
    with pytest.raises(download._Refused, match="too many"):
        incoming.write(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_all_mirrors_dead_names_file_place_and_quick_scale(server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/numbers.gz"
    server.faults["/a/numbers.gz"] = ["404"]
    resource = published(server, "a")
    with pytest.raises(DownloadError) as caught:
        fetch(replace(resource, urls=(*resource.urls, closed, "nonsense")))
    message = str(caught.value)
    assert message.startswith("numbers could not be fetched") and "\n" not in message and str(kept()) in message
    assert f"{resource.urls[0]}: the server answered 404" in message and f"{closed}: no connection" in message
    assert "nonsense: this is no web address" in message
    assert "DLCOURSE_MIRROR" in message and "quick scale" in message


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("silent", "no answer in time"), ("stall", "no answer in time"), ("cut", "the connection was cut"),
     ("503", "the server answered 503"), ("511", "the server answered 511")],
)  # fmt: skip
def test_lasting_fault_is_named(server: Server, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str) -> None:
    if "time" in reason:
        monkeypatch.setattr(download, "TIMEOUT", (5.0, 0.2))
    server.faults["/a/numbers.gz"] = [fault] * 9
    with pytest.raises(DownloadError, match=f"numbers.gz: {reason}"):
        fetch(published(server, "a"))
    assert len(server.log) == download.RETRIES + 1


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "http:///127.0.0.1:9"])
def test_dead_proxy_is_named(server: Server, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(DownloadError, match="the proxy in https_proxy or http_proxy does not work"):
        fetch(published(server, "a"))


def test_full_disk_is_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download._Incoming, "write", full)
    with pytest.raises(DownloadError) as caught:
        fetch(published(server, "a", "b"))
    message = str(caught.value)
    assert "numbers cannot be written" in message and "(No space left on device)" in message
    assert "free some disk space" in message and "DLCOURSE_DATA" in message
    assert len(server.log) == 1, "no other mirror is tried when the disk is full"
    assert list(kept().parent.iterdir()) == []


def test_unwritable_folder_is_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(DownloadError) as caught:
        fetch(published(server, "a"))
    message = str(caught.value)
    assert str(kept().parent) in message and "Permission denied" in message
    assert "DLCOURSE_DATA" in message and server.log == []


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download._Incoming, "write", write)


def test_interrupt_leaves_nothing(server: Server) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch)
        with pytest.raises(KeyboardInterrupt):
            fetch(published(server, "a"))
    assert list(kept().parent.iterdir()) == []
    check_arrived(fetch(published(server, "a")))


# --- the download command ----------------------------------------------------------------------------------


def test_download_command(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = published(server, "a"), published(server)
    monkeypatch.setattr(download, "RESOURCES", {"MNIST": (good,), "FashionMNIST": (good, good)})
    assert download.main(["mnist"]) == 0
    assert capsys.readouterr().out.strip() == str(kept())
    assert download.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [str(kept())] * 3
    assert download.main(["fashion-mnist"]) == 0
    capsys.readouterr()
    assert download.main(["mnist", "cats"]) == 2
    shown = capsys.readouterr()
    assert "'cats'" in shown.err and "mnist, fashion-mnist" in shown.err and shown.out == ""
    kept().unlink()
    monkeypatch.setattr(download, "RESOURCES", {"MNIST": (bad,)})
    assert download.main(["mnist"]) == 1
    assert "could not be fetched" in capsys.readouterr().err


def test_download_list(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good = published(server, "a")
    monkeypatch.setattr(download, "RESOURCES", {"MNIST": (good,), "other": (replace(good, path="other.bin"),)})
    assert download.main(["--list"]) == 0 and server.log == []
    assert capsys.readouterr().out.splitlines() == ["mnist          not downloaded", "other          not downloaded"]
    fetch(good)
    (download.data_folder() / "other.bin").write_bytes(b"half")
    assert download.main(["--list"]) == 0
    there, damaged = capsys.readouterr().out.splitlines()
    assert "0.3 MB in" in there and damaged.endswith("damaged or incomplete")
    assert download.main(["--list", "other"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_download_command_interrupted(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "RESOURCES", {"MNIST": (published(server, "a"),)})
    interrupt(monkeypatch)
    assert download.main([]) == 130
    assert "the same command fetches what is missing" in capsys.readouterr().err


# --- the manifest ------------------------------------------------------------------------------------------


def test_manifest_is_complete() -> None:
    assert {name: len(files) for name, files in download.RESOURCES.items()} == {
        "MNIST": 4, "FashionMNIST": 4, "timemachine": 1, "fra-eng": 1, "airfoil": 1,
    }  # fmt: skip
    for name, resources in download.RESOURCES.items():
        for resource in resources:
            assert resource.path.startswith(f"{name}/raw/" if resource.gzipped else name) and resource.urls
            assert all(url.endswith(".gz") == resource.gzipped for url in resource.urls)
            assert re.fullmatch(r"sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40}", resource.digest)
            assert resource.size or not resource.gzipped, "unpacking needs a size as its limit"


def test_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.data_folder() == (tmp_path / "data").resolve()
    monkeypatch.setenv("DLCOURSE_DATA", "")
    monkeypatch.setattr(download, "writable", lambda folder: True)
    assert download.data_folder() == download.ROOT / "data"


def test_a_repository_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "ROOT", tmp_path / "course")
    monkeypatch.setattr(download, "writable", lambda folder: False)
    monkeypatch.setattr(download.pooch, "os_cache", lambda name: tmp_path / "home" / name)
    assert download.own_folder(tmp_path / "course") == tmp_path / "home" / "dlcourse"
    assert "cannot be written, so data and caches go to" in capsys.readouterr().err
    monkeypatch.setattr(download, "own_folder", lambda: tmp_path / "home" / "dlcourse")
    monkeypatch.delenv("DLCOURSE_DATA", raising=False)
    assert download.data_folder() == (tmp_path / "home" / "dlcourse").resolve()
    (tmp_path / "course" / "data" / "MNIST").mkdir(parents=True)  # provided by whoever installed the course
    assert download.data_folder() == (tmp_path / "course" / "data").resolve()
