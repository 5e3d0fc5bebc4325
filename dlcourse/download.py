"""Verified downloads for full scale, by the ``pooch`` library: what is published where, mirrors and clear errors."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
from requests import exceptions
from tqdm import tqdm

from dlcourse.install.machine import writable

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds without a byte
RETRIES = 2  # per mirror, for cut connections, busy servers and wrong bytes
pooch.get_logger().setLevel("WARNING")  # it would name temporary folders; the progress bar says enough


class DownloadError(RuntimeError):
    """A file could not be fetched; the message is one sentence with the fix."""


class _Refused(Exception):
    """A mirror's answer that would be the same the next time; the message says what is wrong with it."""


@dataclass(frozen=True)
class Resource:
    """A file of the data folder: where it belongs, where it is published, and what its bytes must be.

    ``size`` in bytes (None: unknown) and ``digest`` (``"sha256:…"`` or ``"sha1:…"``) are those of the file as it is
    kept; ``gzipped`` says that it is published as ``.gz`` and kept unpacked. ``member`` is the text in a zip file.
    ``otherwise`` is what a reader can do who does not get the file.
    """

    path: str
    urls: tuple[str, ...]
    size: int | None
    digest: str
    gzipped: bool = False
    member: str | None = None
    otherwise: str = "unset DLCOURSE_SCALE: at quick scale the course needs no download"


def _idx(name: str, mirrors: Sequence[str], *digests: str) -> tuple[Resource, ...]:
    files = (("train-images-idx3-ubyte", 47040016), ("train-labels-idx1-ubyte", 60008),
             ("t10k-images-idx3-ubyte", 7840016), ("t10k-labels-idx1-ubyte", 10008))  # fmt: skip
    return tuple(
        Resource(f"{name}/raw/{file}", tuple(f"{m}{file}.gz" for m in mirrors), size, f"sha256:{digest}", gzipped=True)
        for (file, size), digest in zip(files, digests, strict=True)
    )


HUB = "http://d2l-data.s3-accelerate.amazonaws.com/"  # the textbook's
RESOURCES = {
    "MNIST": _idx(
        "MNIST",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "FashionMNIST": _idx(
        "FashionMNIST",
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    "timemachine": (
        Resource("timemachine.txt", (f"{HUB}timemachine.txt",), 178979,
                 "sha256:8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516"),
    ),
    "fra-eng": (
        Resource("fra-eng.zip", (f"{HUB}fra-eng.zip",), None,
                 "sha1:94646ad1522d915e7b0f9296181140edcf86a4f5", member="fra-eng/fra.txt"),
    ),
    "airfoil": (
        Resource("airfoil_self_noise.dat", (f"{HUB}airfoil_self_noise.dat",), 59984,
                 "sha256:74c75fd71783f1e6b71f8a622b993dc592897a97cd689c5090a07147a1b097b3"),
    ),
}  # fmt: skip


@functools.cache
def own_folder(root: Path = ROOT) -> Path:
    """Return ``data`` in the repository, or a folder of the user where that cannot be written; says so on stderr."""
    folder = root / "data"
    if writable(folder if folder.is_dir() else root):
        return folder
    own = Path(pooch.os_cache("dlcourse"))
    print(f"{root} cannot be written, so data and caches go to {own}.", file=sys.stderr)
    return own


def data_folder() -> Path:
    """Return the folder of the datasets: ``DLCOURSE_DATA``, or ``data`` in the repository. It may be read-only.

    A ``data`` in a read-only repository serves when something is in it; otherwise it is ``own_folder``.
    """
    folder = os.environ.get("DLCOURSE_DATA") or (ROOT / "data" if any((ROOT / "data").glob("*")) else own_folder())
    return Path(folder).expanduser().resolve()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` that nobody else has; what is written there becomes ``path`` at the end.

    After an error nothing is left of it. Threads and processes that do so at once get in nobody's way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=path.parent, ignore_cleanup_errors=True) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        temporary.replace(path)


def read_text(name: str) -> str:
    """Return a text of the textbook's hub: ``"timemachine"``, ``"fra-eng"`` (tab between the pair) or ``"airfoil"``.

    Nothing is extracted to disk: of an archive, only the one member of the manifest is read, in memory. Raises
    DownloadError when the file is missing and unreachable or lacks the member, ValueError for another name.
    """
    texts = [known for known, files in RESOURCES.items() if len(files) == 1]
    if name not in texts:
        raise ValueError(f"{name!r} is no text; there are: {', '.join(texts)}.")
    (resource,) = RESOURCES[name]
    path = fetch(resource)
    if resource.member is None:
        return path.read_text(encoding="utf-8")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(resource.member).decode("utf-8")
    except (KeyError, zipfile.BadZipFile) as error:
        raise DownloadError(f"{path} has no readable {resource.member}; delete it and run this again.") from error


def fetch(resource: Resource) -> Path:
    """Return the path of a verified file, downloading it first if it is absent or damaged.

    Mirrors are tried in order: those of ``DLCOURSE_MIRROR`` (comma-separated base addresses, each holding the
    file as published, at the resource's path), then the published ones. Nothing is used before its digest is right.
    Several threads or processes may fetch the same file at once. Raises DownloadError.
    """
    final = data_folder() / resource.path
    if _is_right(final, resource):
        return final
    own = [base.strip().rstrip("/") for base in os.environ.get("DLCOURSE_MIRROR", "").split(",") if base.strip()]
    problems = []
    for url in (*(f"{base}/{resource.path}{'.gz' * resource.gzipped}" for base in own), *resource.urls):
        known = {"registry": {final.name: resource.digest}, "urls": {final.name: url}}
        try:
            with replacing(final) as temporary:
                place = pooch.create(temporary.parent, "", **known, retry_if_failed=RETRIES)
                place.fetch(final.name, downloader=functools.partial(_download, resource))
            return final
        except (requests.RequestException, _Refused, ValueError, zlib.error) as error:
            problems.append(f"{url}: {_reason(error)}")
        except OSError as error:
            if _is_right(final, resource):  # on Windows, a file that another process has open cannot be replaced
                return final
            raise DownloadError(
                f"{final.name} cannot be written to {final.parent} ({error.strerror or error}); free some disk space, "
                "or set DLCOURSE_DATA to a folder that you may write to."
            ) from error
    raise DownloadError(
        f"{final.name} could not be fetched ({'; '.join(problems)}). Put the file by hand at {final}, name a mirror in "
        f"DLCOURSE_MIRROR, or {resource.otherwise}."
    )


def _download(resource: Resource, url: str, output: str, _: object) -> None:
    """Fill pooch's temporary file with the unpacked bytes; it tries again after a ValueError or RequestException."""
    path, show = Path(output), {"desc": Path(resource.path).name, "unit": "B", "unit_scale": True, "leave": False}
    with contextlib.suppress(OSError):  # not every drive has permissions
        path.chmod(0o644)  # temporary files are the owner's alone, but a data folder may be shared
    with path.open("wb") as file, tqdm(total=resource.size or 1, **show) as bar:
        get = pooch.HTTPDownloader(bar, 1 << 16, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
        try:
            get(url, _Incoming(file, resource), None)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code < 500:
                raise _Refused(_reason(error)) from error
            raise


class _Incoming:
    """A file for writing that unpacks gzip, and refuses a web page and more bytes than the published file has."""

    def __init__(self, file: BinaryIO, resource: Resource) -> None:
        self.file, self.size = file, resource.size or 1 << 28
        self.unpacker = zlib.decompressobj(31) if resource.gzipped else None  # 31: the gzip format
        self.received = self.written = 0

    def write(self, block: bytes) -> None:
        if not self.received and block.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            raise _Refused("a web page came in place of the file, perhaps the login page of this network")
        self.received += len(block)
        if self.unpacker is not None:
            block = self.unpacker.decompress(block, self.size - self.written + 1)
        self.written += len(block)
        if self.written > self.size or self.received > self.size * 1.01 + 1024:  # packed, it is never longer
            raise _Refused("the bytes differ from the published file: there are too many")
        self.file.write(block)

    def flush(self) -> None:
        """Do nothing; pooch asks for it after each block."""


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    reasons = (  # the first that fits
        ((exceptions.ProxyError, exceptions.InvalidProxyURL), "the proxy in https_proxy or http_proxy does not work"),
        (exceptions.SSLError, "its certificate is not trusted"),
        (exceptions.Timeout, "no answer in time"),
        (exceptions.ChunkedEncodingError, "the connection was cut"),
        (exceptions.ConnectionError, "no answer in time" if "timed out" in str(error) else "no connection"),
        ((exceptions.MissingSchema, exceptions.InvalidURL), "this is no web address"),
        (requests.RequestException, str(error)),
        ((ValueError, zlib.error), "the bytes differ from the published file"),  # ValueError: pooch, of the digest
    )
    return next((text for kind, text in reasons if isinstance(error, kind)), str(error))


def _is_right(path: Path, resource: Resource) -> bool:
    """Say whether the file is there and readable, with the size and the digest of the manifest."""
    algorithm, _, digest = resource.digest.partition(":")
    try:
        return resource.size in (None, path.stat().st_size) and pooch.file_hash(path, algorithm) == digest
    except OSError:
        return False


def main(argv: Sequence[str]) -> int:
    """Fetch the named datasets (default: all) and print where they are; ``--list`` prints what is there."""
    names = {name.lower().replace("fashionmnist", "fashion-mnist"): name for name in RESOURCES}
    words = [word for word in argv if word != "--list"] or list(names)
    if unknown := [word for word in words if word not in names]:
        print(f"Unknown dataset {unknown[0]!r}; there are: {', '.join(names)}.", file=sys.stderr)
        return 2
    try:
        for word in words:
            resources = RESOURCES[names[word]]
            if "--list" in argv:
                print(f"{word:15}{_state(resources)}")
            else:
                print(*map(fetch, resources), sep="\n")
    except DownloadError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command fetches what is missing.", file=sys.stderr)
        return 130
    return 0


def _state(resources: Sequence[Resource]) -> str:
    files = [data_folder() / resource.path for resource in resources]
    if all(_is_right(path, resource) for path, resource in zip(files, resources, strict=True)):
        return f"{sum(path.stat().st_size for path in files) / 1e6:6.1f} MB in {files[0].parent}"
    return "damaged or incomplete" if any(path.exists() for path in files) else "not downloaded"
