"""Seconds to read the full MNIST in each format, with pandas and Pillow alone beside it.

    MNIST_DATA_DIR=/path/to/mnist python benchmarks/formats.py [--only CSV pictures]

The four IDX files are converted in a temporary folder first, which takes a minute or two. ``same`` says whether the
arrays are those of the IDX files; ``look`` is how long it takes to say what a path holds; ``MB`` is the peak in
memory.
"""

import argparse
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from mnist_core.data.dataset import Dataset, load_dataset  # noqa: E402
from mnist_core.data.formats.look import look, read_source  # noqa: E402
from mnist_core.data.idx import write_idx  # noqa: E402

MB = 1e6


def splits(dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and labels of both splits."""
    return {
        "train": (dataset.train_images, dataset.train_labels),
        "test": (dataset.test_images, dataset.test_labels),
    }


def png(image: np.ndarray) -> bytes:
    """Encode an image as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_plain_idx(dataset: Dataset, folder: Path) -> Path:
    """Write the four files under other names, uncompressed."""
    for split, (images, labels) in splits(dataset).items():
        write_idx(folder / f"{split}-images.idx3-ubyte", images)
        write_idx(folder / f"{split}-labels.idx1-ubyte", labels)
    return folder


def write_csv(dataset: Dataset, folder: Path) -> Path:
    """Write "MNIST in CSV"."""
    header = ",".join(["label", *(f"{y}x{x}" for y in range(1, 29) for x in range(1, 29))])
    for split, (images, labels) in splits(dataset).items():
        with (folder / f"mnist_{split}.csv").open("w") as file:
            file.write(f"{header}\n")
            for image, label in zip(images.reshape(-1, 784).tolist(), labels.tolist(), strict=True):
                file.write(f"{label},{','.join(map(str, image))}\n")
    return folder


def write_npz(dataset: Dataset, folder: Path) -> Path:
    """Write Keras' mnist.npz."""
    arrays = {f"{axis}_{split}": part[n] for split, part in splits(dataset).items() for n, axis in enumerate("xy")}
    np.savez_compressed(folder / "mnist.npz", **arrays)
    return folder / "mnist.npz"


def write_pictures(dataset: Dataset, folder: Path) -> Path:
    """Write a folder of PNG files for each class."""
    for split, (images, labels) in splits(dataset).items():
        for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            path = folder / split / str(label) / f"{number:05}.png"
            if number < 1000:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(image))
    return folder


def write_zip(dataset: Dataset, folder: Path) -> Path:
    """Write the same pictures into a zip file."""
    path = folder / "mnist_png.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for split, (images, labels) in splits(dataset).items():
            for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
                archive.writestr(f"{split}/{label}/{number:05}.png", png(image))
    return path


def write_parquet(dataset: Dataset, folder: Path) -> Path:
    """Write parquet files as the Hub has them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for split, (images, labels) in splits(dataset).items():
        rows = [{"bytes": png(image), "path": None} for image in images]
        table = pa.table({"image": rows, "label": pa.array(labels.astype(np.int64))})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return folder


def write_mat(dataset: Dataset, folder: Path) -> Path:
    """Write EMNIST's structure."""
    from scipy.io import savemat

    arrays = {
        split: {"images": images.reshape(-1, 784), "labels": labels.reshape(-1, 1)}
        for split, (images, labels) in splits(dataset).items()
    }
    savemat(folder / "mnist.mat", {"dataset": arrays}, do_compression=True)
    return folder / "mnist.mat"


WRITERS: dict[str, Callable[[Dataset, Path], Path]] = {
    "IDX": write_plain_idx,
    "CSV": write_csv,
    "NumPy": write_npz,
    "pictures": write_pictures,
    "zip of pictures": write_zip,
    "parquet": write_parquet,
    "MATLAB": write_mat,
}


def alone(name: str, path: Path) -> tuple[float, float]:
    """Seconds, and seconds of the processor, of the usual library alone; NaN if there is none."""
    readers: dict[str, Callable[[], object]] = {}
    if name == "CSV":
        import pandas as pd

        readers["CSV"] = lambda: [pd.read_csv(file).to_numpy() for file in path.iterdir()]
    elif name == "MATLAB":
        from scipy.io import loadmat

        readers["MATLAB"] = lambda: loadmat(path)
    readers["NumPy"] = lambda: dict(np.load(path))
    readers["pictures"] = lambda: [np.asarray(Image.open(file)) for file in sorted(path.rglob("*.png"))]
    readers["zip of pictures"] = lambda: _zip_alone(path)
    if name not in readers:
        return math.nan, math.nan
    started, processor = time.perf_counter(), time.process_time()
    readers[name]()
    return time.perf_counter() - started, time.process_time() - processor


def _zip_alone(path: Path) -> list[np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in archive.namelist()]


def peak_memory(reset: bool = False) -> int:
    """Most bytes that this process had, since the last reset; a process of its own still counts those of its parent."""
    status = Path("/proc/self/status").read_text()
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def measure(path: Path, data_dir: str | None) -> None:
    """Read a path in this process, and print what it took as JSON."""
    before = peak_memory(reset=True)
    started = time.perf_counter()
    found = look(path)
    looked = time.perf_counter() - started
    started = time.perf_counter()
    processor = time.process_time()
    reports: list[float] = []
    source = read_source(path, lambda share, _: reports.append(share))
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    peak = peak_memory() - before
    same = all(
        np.array_equal(source.splits[split].images, images) and np.array_equal(source.splits[split].labels, labels)
        for split, (images, labels) in splits(load_dataset("full", data_dir)).items()
    )
    result = {"format": source.format, "look": looked, "read": seconds, "CPU": processor, "MB": peak / MB, "same": same}
    print(json.dumps({**result, "reports": len(reports), "files": len(found.files)}))


def main() -> None:
    """Convert, and measure each format in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data-dir", help="folder of the full MNIST; otherwise that in MNIST_DATA_DIR")
    parser.add_argument("--only", nargs="+", choices=list(WRITERS), default=list(WRITERS))
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.data_dir)
        return
    dataset = load_dataset("full", options.data_dir)
    print(f"{dataset.description}\n")
    titles = "".join(f"{title:>9}" for title in ("read, s", "CPU, s", "alone, s", "CPU, s", "look, s", "MB"))
    print(f"{'format':<16}{titles}  same arrays")
    for name in options.only:
        with tempfile.TemporaryDirectory() as place:
            path = WRITERS[name](dataset, Path(place))
            command = [sys.executable, __file__, "--measure", str(path)]
            command += ["--data-dir", options.data_dir] if options.data_dir else []
            result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            other = alone(name, path)
        figures = "".join(f"{value:9.2f}" for value in (result["read"], result["CPU"], *other, result["look"]))
        print(f"{name:<16}{figures}{result['MB']:9.0f}  {'yes' if result['same'] else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
