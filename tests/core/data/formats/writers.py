"""The same images as every format keeps them: each function writes a folder, or a file, and returns its path."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
from PIL import Image

from mnist_core.data.idx import idx_header, idx_values
from tests.helpers import encode

SPLITS = (("train", "train"), ("test", "t10k"))


def idx_bytes(array):
    return idx_header(array) + idx_values(array).tobytes()


def npy_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def packed(data, suffix):
    for end in suffix.split("."):
        data = {"": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[end](data)
    return data


def idx(arrays, folder, name="{}-{}-idx{}-ubyte{}", suffix=".gz", splits=SPLITS):
    """Four files; the name takes split, images or labels, the number of dimensions, and the suffix."""
    for split, called in splits:
        images, labels = arrays[split]
        for what, array in (("images", images), ("labels", labels.astype(np.uint8))):
            path = folder / name.format(called, what, array.ndim, suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed(idx_bytes(array), suffix))
    return folder


def csv(arrays, folder, header=True, separator=",", scale=None, end="\n"):
    """A file a split; the header says height and width, as Kaggle's "MNIST in CSV" does."""
    for split, (images, labels) in arrays.items():
        rows = images.reshape(len(images), -1)
        lines = []
        if header:
            cells = [f"{y}x{x}" for y in range(1, images.shape[1] + 1) for x in range(1, images.shape[2] + 1)]
            lines.append(separator.join(["label", *cells]))
        values = (rows / scale if scale else rows).tolist()
        lines += [separator.join(map(str, [label, *row])) for label, row in zip(labels.tolist(), values, strict=True)]
        (folder / f"mnist_{split}.csv").write_text(end.join(lines) + end)
    return folder


def npz(arrays, folder):
    names = {f"{axis}_{split}": part[n] for split, part in arrays.items() for n, axis in enumerate("xy")}
    np.savez_compressed(folder / "mnist.npz", **names)
    return folder / "mnist.npz"


def pictures(arrays, folder, kind="PNG"):
    """A folder a class; the names of the files are the order in the data set."""
    for split, (images, labels) in arrays.items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = folder / split / str(label) / f"{number}.{kind.lower()}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(image, kind))
    return folder


def parquet(arrays, folder):
    """Two files as on the Hub, with the names of the classes in the metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [str(n) for n in range(10)]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    for split, (images, labels) in arrays.items():
        rows = [{"bytes": encode(image), "path": f"{n}.png"} for n, image in enumerate(images)]
        table = pa.table({"image": rows, "label": pa.array(labels)}).replace_schema_metadata(metadata)
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return folder


def mat(arrays, folder):
    """EMNIST's structure; its mapping names the classes."""
    from scipy.io import savemat

    dataset = {
        split: {"images": images.reshape(len(images), -1), "labels": labels.reshape(-1, 1).astype(np.uint8)}
        for split, (images, labels) in arrays.items()
    }
    savemat(folder / "mnist.mat", {"dataset": dataset}, do_compression=True)
    return folder / "mnist.mat"


def zipped(folder, path):
    """A zip file of a folder, with what a Mac adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"data/{file.relative_to(folder)}")
        archive.writestr("__MACOSX/data/._train", b"\0\5\x16\7")
    return path


def picture_of(size, colour, kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()
