"""JavaScript for pages that work offline: files of npm packages, pinned by their digest and kept in the data folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile

from dlcourse.download import DownloadError, Resource, fetch

PUBLIC = "https://registry.npmjs.org/"
PACKAGES = {  # name: version, bytes, SHA-256 of the archive
    "mathjax": ("3.2.2", 6132118, "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09"),
    "reveal.js": ("5.2.1", 2377747, "359b575dd51bbda32f89b2fd4c7dc46ad7389a805572158916c29252f7a27333"),
}


def npm_file(package: str, *names: str) -> list[bytes]:
    """Return files of an npm package, such as ``"es5/tex-svg-full.js"``, read in memory: nothing is extracted to disk.

    The archive comes from npm's registry, or the one that npm's settings name, and is verified before it is opened.
    Raises DownloadError when it is missing and unreachable, or lacks a file.
    """
    version, size, digest = PACKAGES[package]
    file = f"{package}-{version}.tgz"
    urls = tuple(dict.fromkeys(f"{registry}{package}/-/{file}" for registry in (_registry(), PUBLIC)))
    otherwise = "name a registry for npm in npm_config_registry"
    path = fetch(Resource(f"npm/{file}", urls, size, f"sha256:{digest}", otherwise=otherwise))
    with tarfile.open(path) as archive:
        members = [archive.extractfile(f"package/{name}") for name in names]
        found = [member.read() for member in members if member is not None]
    if len(found) < len(names):
        raise DownloadError(f"{path} lacks one of {', '.join(names)}; delete it and run this again.")
    return found


def _registry() -> str:
    """Return the registry that npm would use: its variable, its settings where npm is installed, or the public one."""
    found = os.environ.get("npm_config_registry", "")
    npm = shutil.which("npm")
    if not found and npm:
        asked = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, timeout=60)
        found = asked.stdout.strip()
    return found.rstrip("/") + "/" if found.startswith("http") else PUBLIC
