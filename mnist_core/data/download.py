"""Fetch the four files of MNIST from public mirrors into the user's cache folder, checked by SHA-256."""

import contextlib
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
import urllib3

from mnist_core.data.checksums import MNIST_SHA256
from mnist_core.data.dataset import FOLDER_VARIABLE, cache_dir
from mnist_core.disk import remove_leftovers
from mnist_core.errors import DownloadError, advice_on, reason_of

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

SIZES = {
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}

FILES = {name: (size, MNIST_SHA256[name]) for name, size in SIZES.items()}

Timeout = tuple[float, float]  # seconds to wait for a connection, and for the next bytes

Progress = Callable[[int, int, str], None]

Report = Callable[[int, str], None]  # bytes of this file, and a message

TIMEOUT: Timeout = (5.0, 10.0)

MIN_BYTES_PER_SECOND = 5_000

CHUNK_BYTES = 65_536

SECONDS_BETWEEN_REPORTS = 0.05

LEFTOVER_PREFIX, LEFTOVER_SECONDS = ".download-", 24 * 3600


class _MirrorError(Exception):
    """Why a mirror did not deliver a file, worded to follow the mirror's name: "answered 404"."""


def download(
    target_dir: str | os.PathLike[str] | None = None,
    mirrors: Iterable[str] = MIRRORS,
    progress: Progress | None = None,
    timeout: Timeout = TIMEOUT,
    files: Mapping[str, tuple[int, str]] = FILES,
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
    files : mapping of str to (int, str)
        Size in bytes and SHA-256 (hexadecimal) of each file, by name.

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
            if not _is_verified(folder / name, size, sha256):

                def report(received: int, message: str, before: int = done) -> None:
                    progress(before + received, total, message)

                _fetch_from_any(mirrors, folder / name, size, sha256, timeout, report)
            done += size
            progress(done, total, f"{name} is complete")
    except OSError as error:
        raise DownloadError(
            f"{folder}: can't be written to ({reason_of(error)}), but a folder with room for "
            f"{total:,} bytes was expected: {advice_on(error)}, or choose another folder."
        ) from error
    return folder


def _is_verified(path: Path, size: int, sha256: str) -> bool:
    return path.is_file() and path.stat().st_size == size and pooch.file_hash(path) == sha256


def _fetch_from_any(mirrors: list[str], path: Path, size: int, sha256: str, timeout: Timeout, report: Report) -> None:
    """Try the mirrors in turn, and move the one that delivers to the front of the list."""
    failures = []
    for mirror in list(mirrors):
        host = urlsplit(mirror).netloc or mirror
        try:
            _fetch(f"{mirror.rstrip('/')}/{path.name}", host, path, size, sha256, timeout, report)
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


def _fetch(url: str, host: str, path: Path, size: int, sha256: str, timeout: Timeout, report: Report) -> None:
    """Fetch one file into a temporary folder beside its place, verify it, and move it there in one step."""
    message = f"Fetching {path.name} from {host}"
    report(0, message)
    last_report = time.monotonic()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=LEFTOVER_PREFIX) as folder:
        fetched = Path(folder, path.name)
        with fetched.open("wb") as file, contextlib.closing(_receive(url, size, timeout)) as chunks:
            for chunk in chunks:
                file.write(chunk)
                if time.monotonic() - last_report >= SECONDS_BETWEEN_REPORTS:
                    last_report = time.monotonic()
                    report(file.tell(), message)
        if not _is_verified(fetched, size, sha256):
            raise _MirrorError("sent bytes that differ from the published SHA-256")
        fetched.replace(path)


def _receive(url: str, size: int, timeout: Timeout) -> Generator[bytes, None, None]:
    """Yield the bytes at `url` as they arrive; raise _MirrorError unless exactly `size` arrive in time.

    A thread of its own talks to the server, because no time-out of requests ends the wait for a silent name
    server, for an answer that drips in byte by byte, or for a host with many addresses that are all silent.
    """
    chunks: queue.SimpleQueue[bytes | _MirrorError] = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_talk, args=(url, size, timeout, chunks.put, given_up), daemon=True).start()
    received, received_before, period = 0, 0, sum(timeout)
    deadline = time.monotonic() + period
    try:
        while received <= size:
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
    if received > size:
        raise _MirrorError(f"sent more than the {size:,} bytes of the published file")
    if received < size:
        raise _MirrorError(f"sent {received:,} of {size:,} bytes")


def _check_speed(received: int, seconds: float, timeout: Timeout) -> None:
    if not received:
        raise _MirrorError(f"stalled for {seconds:g} s")
    if received < MIN_BYTES_PER_SECOND * timeout[1]:
        raise _MirrorError(f"was too slow: {received:,} bytes in {seconds:g} s")


def _talk(
    url: str, size: int, timeout: Timeout, put: Callable[[bytes | _MirrorError], None], given_up: threading.Event
) -> None:
    """Put the chunks of the answer, then b"" at its end; or a _MirrorError. Runs in a thread of its own."""
    left = size + 1  # one byte too many shows that it is another file; the rest is not read
    as_stored = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, stream=True, timeout=timeout, headers=as_stored) as answer:
            if answer.status_code != 200:
                raise _MirrorError(f"answered {answer.status_code}")
            offered = answer.headers.get("Content-Length", str(size))
            if offered != str(size):
                raise _MirrorError(f"offered {offered} bytes instead of {size}")
            while not given_up.is_set() and (chunk := answer.raw.read1(min(left, CHUNK_BYTES))):
                put(chunk)
                left -= len(chunk)
        put(b"")
    except urllib3.exceptions.ProtocolError:
        put(b"")  # cut off, as the number of bytes shows
    except Exception as error:
        put(error if isinstance(error, _MirrorError) else _MirrorError(_in_plain_words(error, timeout)))


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
