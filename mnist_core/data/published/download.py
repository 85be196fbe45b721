"""Fetch the files of a data set from public mirrors into the user's cache folder, checked by SHA-256.

A file whose SHA-256 nobody could compute is fetched over https alone, of at most twice the size that it should have;
the SHA-256 of what arrived is kept beside it, and shown as unverified.
"""

import contextlib
import os
import queue
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import pooch
import requests
import urllib3

from mnist_core.data.dataset import FOLDER_VARIABLE, cache_dir
from mnist_core.data.idx import read_idx
from mnist_core.data.published.catalogue import MNIST
from mnist_core.disk import remove_leftovers
from mnist_core.errors import DownloadError, IdxError, advice_on, reason_of

MIRRORS, FILES = MNIST.mirrors, MNIST.files

ARRIVED = "arrived.sha256"
"""File with the SHA-256 of what arrived, in the form of ``sha256sum``, beside data that could not be verified."""

Timeout = tuple[float, float]  # seconds to wait for a connection, and for the next bytes

Progress = Callable[[int, int, str], None]

Report = Callable[[int, str], None]  # bytes of this file, and a message

TIMEOUT: Timeout = (5.0, 10.0)

MIN_BYTES_PER_SECOND = 5_000

CHUNK_BYTES = 65_536

MOST_ARRIVED = 10_000
"""Characters of ``ARRIVED`` that are read."""

SECONDS_BETWEEN_REPORTS = 0.05

LEFTOVER_PREFIX, LEFTOVER_SECONDS = ".download-", 24 * 3600


class _Wanted(NamedTuple):
    """What is known of a file before it arrives: with its SHA-256 its size in bytes, otherwise only about its size."""

    size: int
    sha256: str | None

    @property
    def limit(self) -> int:
        """Bytes that are read at most."""
        return self.size if self.sha256 else 2 * self.size


class _MirrorError(Exception):
    """Why a mirror did not deliver a file, worded to follow the mirror's name: "answered 404"."""


def download(
    target_dir: str | os.PathLike[str] | None = None,
    mirrors: Iterable[str] = MIRRORS,
    progress: Progress | None = None,
    timeout: Timeout = TIMEOUT,
    files: Mapping[str, tuple[int, str | None]] = FILES,
) -> Path:
    """Fetch the files that are missing from `target_dir` or have the wrong bytes.

    A file appears under its name only when it is complete and verified. So a failed download may
    simply be started again, and several processes may download at once.

    Parameters
    ----------
    target_dir : path, optional
        Where the files go; by default the user's cache folder. Created when it does not exist.
    mirrors : iterable of str
        Addresses of folders that serve the files, tried in this order; the one that delivered the last file
        is tried first for the next one.
    progress : callable, optional
        Called as ``progress(done_bytes, total_bytes, message)``: when a mirror is tried, about 20 times a
        second while bytes arrive, and when a file is complete. `done_bytes` goes back when a mirror fails.
    timeout : (float, float)
        Seconds to wait for a connection, and for the next bytes. A mirror that sends fewer than
        ``MIN_BYTES_PER_SECOND`` for as long as the latter is given up, too.
    files : mapping of str to (int, str or None)
        Size in bytes and SHA-256 (hexadecimal) of each file, by name. Where the SHA-256 is None, the size is about, and
        the file is complete if it is what arrived once: see ``ARRIVED``.

    Returns
    -------
    Path
        The folder, which now holds all files.

    Raises
    ------
    DownloadError
        If no mirror delivers a file, or the folder can't be written to. Files fetched before are kept.
    """
    folder = cache_dir() if target_dir is None else Path(target_dir).expanduser().absolute()
    progress = progress or (lambda done, total, message: None)
    mirrors, done, total = list(mirrors), 0, sum(size for size, _ in files.values())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder, LEFTOVER_PREFIX, LEFTOVER_SECONDS)
        for name, (size, sha256) in files.items():
            wanted = _Wanted(size, sha256)
            if not _is_complete(folder / name, wanted):

                def report(received: int, message: str, before: int = done) -> None:
                    progress(before + received, total, message)

                _fetch_from_any(mirrors, folder / name, wanted, timeout, report)
            done += size
            progress(done, total, f"{name} is complete")
    except OSError as error:
        raise DownloadError(
            f"{folder}: can't be written to ({reason_of(error)}), but a folder with room for "
            f"{total:,} bytes was expected: {advice_on(error)}, or choose another folder."
        ) from error
    return folder


def _is_complete(path: Path, wanted: _Wanted) -> bool:
    """Tell whether a file is there: the published one or, where that is not known, the one that arrived."""
    if not path.is_file():
        return False
    if wanted.sha256:
        return path.stat().st_size == wanted.size and pooch.file_hash(path) == wanted.sha256
    arrived = read_arrived(path.parent).get(path.name)
    return arrived is not None and pooch.file_hash(path) == arrived


def read_arrived(folder: Path) -> dict[str, str]:
    """SHA-256 (hexadecimal) of what arrived in a folder and could not be verified, by name; empty if nothing did."""
    try:
        with (folder / ARRIVED).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(MOST_ARRIVED).splitlines()
    except OSError:
        return {}
    found = (line.split(maxsplit=1) for line in lines)
    return {words[1].lstrip("*"): words[0] for words in found if len(words) == 2 and len(words[0]) == 64}


def note_arrived(folder: Path, checksums: Mapping[str, str]) -> None:
    """Add the SHA-256 of files that arrived in a folder, by name."""
    known = {**read_arrived(folder), **checksums}
    with tempfile.TemporaryDirectory(dir=folder, prefix=LEFTOVER_PREFIX) as temporary:
        written = Path(temporary, ARRIVED)
        written.write_text("".join(f"{sha256}  {name}\n" for name, sha256 in known.items()), encoding="utf-8")
        written.replace(folder / ARRIVED)


def _fetch_from_any(mirrors: list[str], path: Path, wanted: _Wanted, timeout: Timeout, report: Report) -> None:
    """Try the mirrors in turn, and move the one that delivers to the front of the list."""
    failures = []
    for mirror in list(mirrors):
        host = urlsplit(mirror).netloc or mirror
        try:
            _fetch(f"{mirror.rstrip('/')}/{path.name}", host, path, wanted, timeout, report)
        except _MirrorError as error:
            failures.append(f"{host} {error}")
        else:
            mirrors.sort(key=lambda other: other != mirror)
            return
    raise DownloadError(
        f"{path.name} could not be downloaded: {'; '.join(failures) or 'no mirror was named'}. "
        f"Try again later, or put the files into {path.parent} by hand, or let the environment variable "
        f"{FOLDER_VARIABLE} name a folder that holds them."
    )


def _fetch(url: str, host: str, path: Path, wanted: _Wanted, timeout: Timeout, report: Report) -> None:
    """Fetch one file into a temporary folder beside its place, verify it, and move it there in one step."""
    message = f"Fetching {path.name} from {host}"
    report(0, message)
    last_report = time.monotonic()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=LEFTOVER_PREFIX) as folder:
        fetched = Path(folder, path.name)
        with fetched.open("wb") as file, contextlib.closing(_receive(url, wanted, timeout)) as chunks:
            for chunk in chunks:
                file.write(chunk)
                if time.monotonic() - last_report >= SECONDS_BETWEEN_REPORTS:
                    last_report = time.monotonic()
                    report(file.tell(), message)
        if wanted.sha256 is None:
            _check_kind(fetched)
            note_arrived(path.parent, {path.name: pooch.file_hash(fetched)})
        elif not _is_complete(fetched, wanted):
            raise _MirrorError("sent bytes that differ from the published SHA-256")
        fetched.replace(path)


def _check_kind(fetched: Path) -> None:
    """Refuse what can't be the file: a page that says to log in, or half a file."""
    if fetched.suffix == ".zip":
        if not zipfile.is_zipfile(fetched):
            raise _MirrorError("sent what is no zip file")
        return
    try:
        read_idx(fetched)
    except IdxError as error:
        found = str(error).partition(": found ")[2].partition(", but expected")[0]
        raise _MirrorError(f"sent what is no IDX file ({found})") from error


def _receive(url: str, wanted: _Wanted, timeout: Timeout) -> Generator[bytes, None, None]:
    """Yield the bytes at `url` as they arrive; raise _MirrorError unless as many arrive in time as are wanted.

    A thread of its own talks to the server, because no time-out of requests ends the wait for a silent name
    server, for an answer that drips in byte by byte, or for a host with many addresses that are all silent.
    """
    chunks: queue.SimpleQueue[bytes | _MirrorError] = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_talk, args=(url, wanted, timeout, chunks.put, given_up), daemon=True).start()
    received, received_before, period = 0, 0, sum(timeout)
    deadline = time.monotonic() + period
    try:
        while received <= wanted.limit:
            try:
                chunk = chunks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                _check_speed(received - received_before, period, timeout)
                received_before, period = received, timeout[1]
                deadline = time.monotonic() + period
                continue
            if isinstance(chunk, _MirrorError):
                raise chunk
            if not chunk:
                break
            received += len(chunk)
            yield chunk
    finally:
        given_up.set()
    if received > wanted.limit:
        expected = "of the published file" if wanted.sha256 else "that are twice its size"
        raise _MirrorError(f"sent more than the {wanted.limit:,} bytes {expected}")
    if wanted.sha256 and received < wanted.size:
        raise _MirrorError(f"sent {received:,} of {wanted.size:,} bytes")


def _check_speed(received: int, seconds: float, timeout: Timeout) -> None:
    if not received:
        raise _MirrorError(f"stalled for {seconds:g} s")
    if received < MIN_BYTES_PER_SECOND * timeout[1]:
        raise _MirrorError(f"was too slow: {received:,} bytes in {seconds:g} s")


def _talk(
    url: str,
    wanted: _Wanted,
    timeout: Timeout,
    put: Callable[[bytes | _MirrorError], None],
    given_up: threading.Event,
) -> None:
    """Put the chunks of the answer, then b"" at its end; or a _MirrorError. Runs in a thread of its own."""
    left = wanted.limit + 1  # one byte too many shows that it is another file; the rest is not read
    as_stored = {"Accept-Encoding": "identity"}
    try:
        if wanted.sha256 is None:
            _check_safe(url)
        hooks = {} if wanted.sha256 else {"response": _check_redirection}
        with requests.get(url, stream=True, timeout=timeout, headers=as_stored, hooks=hooks) as answer:
            _check_answer(answer, wanted)
            while not given_up.is_set() and (chunk := answer.raw.read1(min(left, CHUNK_BYTES))):
                put(chunk)
                left -= len(chunk)
        put(b"")
    except urllib3.exceptions.ProtocolError:
        # Of a file of known size, the number of bytes shows that it was cut off, and where.
        put(b"" if wanted.sha256 else _MirrorError("broke off"))
    except Exception as error:
        put(error if isinstance(error, _MirrorError) else _MirrorError(_in_plain_words(error, timeout)))


def _check_redirection(answer: requests.Response, *_: object, **__: object) -> None:
    """Let nothing follow an answer to an address that :func:`_check_safe` refuses."""
    if answer.is_redirect:
        try:
            _check_safe(urljoin(answer.url, answer.headers["Location"]))
        except _MirrorError:
            answer.close()
            raise


def _check_answer(answer: requests.Response, wanted: _Wanted) -> None:
    if answer.status_code != 200:
        raise _MirrorError(f"answered {answer.status_code}")
    offered = answer.headers.get("Content-Length", str(wanted.size))
    if wanted.sha256 and offered != str(wanted.size):
        raise _MirrorError(f"offered {offered} bytes instead of {wanted.size}")


def _check_safe(url: str) -> None:
    """Refuse an address at which somebody on the way can change what no SHA-256 is known of."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise _MirrorError("answers without https, and the file has no published SHA-256")


def _in_plain_words(error: Exception, timeout: Timeout) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return f"could not be reached within {timeout[0]:g} s"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"stalled for {timeout[1]:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "could not be reached over a trusted TLS connection"
    if isinstance(error, requests.ConnectionError):
        return "could not be reached"
    return f"failed: {error}"
