"""A run as one zip file, to move it elsewhere. An import is not trusted: it may be damaged or malicious.

The zip holds one folder, named after the run, with the files of :data:`FILES`; unpacked by hand into a runs folder it
is a run, too.
"""

import io
import re
import shutil
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mnist_core.data.corrected.corrections import Corrections
from mnist_core.data.dataset import Dataset
from mnist_core.data.npz import NpzError, read_npz
from mnist_core.errors import ConfigError, MnistError, RunError, reason_of
from mnist_core.nn.network import Network
from mnist_core.runs.checkpoint import Checkpoint
from mnist_core.runs.dataset_reference import DatasetReference
from mnist_core.runs.files import check_content, check_sha256, checksums_of, writing_to
from mnist_core.runs.implementation import IMPLEMENTATION, Implementation
from mnist_core.runs.names import new_id
from mnist_core.runs.origin import CORRECTIONS, write_origin
from mnist_core.runs.run import RESULTS, Run, default_runs_dir, list_runs, read_run
from mnist_core.runs.schema import MAX_BYTES, MAX_EPOCHS, MB, read_record, write_record
from mnist_core.runs.tables import TABLES

FILES = ("config.json", "status.json", "about.json", IMPLEMENTATION, CORRECTIONS, *RESULTS)
"""Files of an exported run."""

MAX_UNPACKED = {**MAX_BYTES, "model.npz": 200 * MB, "checkpoint.npz": 800 * MB}
"""The most bytes that are unpacked of each file: weights hardly shrink in a zip."""

MAX_ZIP = 100 * MB
"""Also the limit that .streamlit/config.toml sets for uploads."""

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


def export_run(run: Run) -> bytes:
    """Pack a run folder into a zip file that :func:`import_run` takes, without its log and its locks.

    The checkpoint of a large network is left out if the zip would be larger than :data:`MAX_ZIP`: such a run can be
    looked at and evaluated elsewhere, but is trained from the start there.

    Raises
    ------
    RunError
        If a file can't be read, or the zip is too large even so.
    """
    try:
        content = _pack(run, FILES)
        if len(content) > MAX_ZIP:
            content = _pack(run, [name for name in FILES if name != "checkpoint.npz"])
    except OSError as error:
        raise RunError(
            f"Run {run.id} can't be exported ({reason_of(error)}): check that its folder still exists."
        ) from error
    if len(content) > MAX_ZIP:
        raise RunError(
            f"Run {run.id} can't be exported: its zip would have {len(content) / MB:,.0f} MB, and no more than "
            f"{MAX_ZIP // MB} can be imported. Export its model alone, or copy the folder {run.path}."
        )
    return content


def _pack(run: Run, names: Iterable[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            if (run.path / name).exists():
                archive.writestr(f"{run.id}/{name}", (run.path / name).read_bytes())
    return buffer.getvalue()


def import_run(content: bytes, runs_dir: Path | None = None, known: Iterable[Dataset | DatasetReference] = ()) -> Run:
    """Unpack an exported run into the runs folder; it appears complete or not at all.

    It keeps its id unless another run has it; then it gets a new one. A run that was active becomes paused, or stopped
    if it has no checkpoint. The folder of its data is never taken from the zip: it is that of a run here, or of
    ``known``, on the same data, otherwise the default folder of the full data set.

    Parameters
    ----------
    content : bytes
        The zip file.
    runs_dir : Path, optional
    known : iterable of Dataset or DatasetReference
        Further data sets of this machine, besides those of the runs.

    Raises
    ------
    RunError
        If the zip is damaged, holds anything but one run, or is larger than allowed; or the folder can't be written.
    """
    root = Path(runs_dir or default_runs_dir()).absolute()
    if len(content) > MAX_ZIP:
        raise RunError(
            f"The zip has {len(content) / MB:,.0f} MB, expected at most {MAX_ZIP // MB}: import another one."
        )
    draft = root / f".import-{new_id(root, 0.0)}"
    try:
        draft.mkdir(parents=True)
        run_id = _unpack(content, draft)
        run = _settle(draft, [*known, *(run.dataset for run in list_runs(root) if run.origin)])
        free = RUN_ID.fullmatch(run_id) and not (root / run_id).exists()
        return read_run(draft.rename(root / (run_id if free else new_id(root, run.created))))
    except MnistError:
        raise
    except Exception as error:  # a damaged zip file raises nearly everything
        if isinstance(error, OSError) and error.errno:
            with writing_to(root, "import a run into"):
                raise
        raise RunError(f"This is no zip file, or a damaged one ({error}): export the run again.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unpack(content: bytes, folder: Path) -> str:
    """Write the files of a zip into ``folder`` and return its folder in the zip; refuse anything unexpected."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        names = [_name(entry) for entry in entries]
        folders = {str(PurePosixPath(entry.filename).parent) for entry in entries}
        if "config.json" not in names or len(set(names)) < len(names) or len(folders) > 1:
            raise RunError(
                f"The zip holds {len(names)} files in {len(folders)} folders, expected those of one run, "
                "with its config.json and each file once: export one run and import that."
            )
        for entry, name in zip(entries, names, strict=True):
            # zipfile reads no more than the size that was checked, and compares a checksum
            with archive.open(entry) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target, MB)
    return folders.pop()


def _name(entry: zipfile.ZipInfo) -> str:
    """Name of a file in the zip if it is one of a run: at most one folder deep, no link, not encrypted, small."""
    parts = entry.filename.split("/")
    name = parts[-1]
    if len(parts) > 2 or name not in FILES or parts[0] in ("", ".", "..") or re.search(r"[\\:]", parts[0]):
        raise RunError(
            f"The zip holds {entry.filename[:80]!r}, expected nothing but {', '.join(FILES)} in one folder: "
            "export the run again."
        )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
        raise RunError(f"{name} in the zip is a link or encrypted, expected a plain file: export the run again.")
    if entry.file_size > MAX_UNPACKED[name]:
        raise RunError(
            f"{name} in the zip has {entry.file_size / MB:,.1f} MB, expected at most {MAX_UNPACKED[name] / MB:g}: "
            "import another run."
        )
    return name


def _settle(draft: Path, known: Iterable[Dataset | DatasetReference]) -> Run:
    """Check all files of an unpacked run, and adopt it: no process works on it, its data is that of this machine."""
    run = read_run(draft)
    if damage := run.damage or run.about.damage:
        raise RunError(f"The run in the zip is damaged: {damage.reason}")
    run = replace(run, origin=(run.config, replace(run.dataset, data_dir=None)))  # a zip names no folder to look at
    if run.corrections_sha256 is None:
        (draft / CORRECTIONS).unlink(missing_ok=True)  # the run knows nothing of them
    for name in FILES:
        if (draft / name).exists() or (name == CORRECTIONS and run.corrections_sha256):
            _check_file(run, name)
    status = replace(run.status, pid=None)
    if status.state in ("queued", "running", "interrupted"):
        status = replace(status, state="paused" if (draft / "checkpoint.npz").exists() else "stopped")
    folders = (other.data_dir for other in known if other.data_dir and other.has_content(run.dataset.checksums))
    reference = replace(run.dataset, data_dir=next(folders, None))
    write_origin(draft, run.created, run.config, reference, run.corrections_sha256)
    known_files = [name for name in FILES if name in status.checksums]
    checksums = checksums_of(draft, known_files)  # config.json is not the same
    write_record(draft / "status.json", replace(status, checksums=checksums))
    if (draft / "about.json").exists():
        run.about.write(draft)
    return run


def _check_file(run: Run, name: str) -> None:
    """Check a file of an unpacked run; a table that was packed while it was written ends with its last whole row."""
    path, table = run.path / name, next((table for table in TABLES if table.name == name), None)
    try:
        rows = table.read(run.path, run.bounds, run.is_whole, every_row=True) if table else None
        if rows and rows.left_out:
            raise ValueError(f"{rows.left_out} of its rows are damaged")
        if name == IMPLEMENTATION:
            read_record(path, Implementation)
        elif name == CORRECTIONS:
            check_content(path.read_bytes(), run.corrections_sha256)
            Corrections.parse(path.read_bytes(), name)
        elif name == "model.npz":
            run.check_network(Network.from_arrays(read_npz(path, MAX_UNPACKED[name], stored=True)))
        elif name == "checkpoint.npz":
            _check_checkpoint(run, Checkpoint.from_arrays(read_npz(path, MAX_UNPACKED[name], stored=True)))
        check_sha256(path, run.status.checksums.get(name))
        if table and rows is not None:
            table.rewrite(run.path, rows)
    except NpzError as error:
        raise RunError(f"The run in the zip is damaged ({name} {error}): export it again.") from error
    except Exception as error:  # a damaged array raises nearly everything
        raise RunError(f"The run in the zip is damaged ({name}: {reason_of(error)}): export it again.") from error


def _check_checkpoint(run: Run, checkpoint: Checkpoint) -> None:
    network = Network.from_arrays(checkpoint.arrays)
    run.check_network(network)
    try:
        checkpoint.restore(run.config)
    except ConfigError as error:
        raise ValueError("its training state is incomplete") from error
    if not 0 < checkpoint.epoch <= MAX_EPOCHS:
        raise ValueError(f"it is of epoch {checkpoint.epoch:,}")
