"""Images in the catalog: labels and splits in one file, which refers to the memory-mapped file of the pixels."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import JSONPreview
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mf_nas_kd.datasets.atomic import AtomicSave
from mf_nas_kd.datasets.binary import LocalFileDataset
from mf_nas_kd.images import ImageCollection, ImageDataset, LabelledImages
from mf_nas_kd.images.decoded import remove_earlier
from mf_nas_kd.seeding import canonical_json


class FolderDataset(AbstractDataset[NoReturn, Path]):
    """Path of a folder into which nodes write files themselves, such as decoded images and teacher targets.

    Args:
        folder: Path of the folder; it is made with its first file.
        metadata: Metadata for kedro-viz.
    """

    def __init__(self, *, folder: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(folder).resolve()  # workers may have been started in another folder
        self.metadata = metadata

    def load(self) -> Path:
        return self._folder

    def save(self, data: NoReturn) -> None:
        raise DatasetError("a folder is not saved as a whole: write files into the folder that load() returns")

    def _exists(self) -> bool:
        return True  # see above: it may be empty

    def _describe(self) -> dict[str, Any]:
        return {"folder": self._folder}


def _require_file(path: Path) -> None:
    """Raise the error of a file that is not there; also for a named pipe, whose reader would wait for ever."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


class _Images(LocalFileDataset):
    def load(self) -> ImageDataset:
        path = Path(self._get_load_path())
        try:
            _require_file(path)
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in list(file.keys())}
                header = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            mean, deviation = header["pixel_statistics"]
            pixels = path.parent.resolve() / header["pixels"]
            _require_file(pixels)
            collection = ImageCollection.mapped(pixels, tensors.pop("labels"))
            LabelledImages(collection.pixels, collection.labels)  # checks that they belong together
            images = ImageDataset(
                name=header["name"],
                class_names=tuple(header["class_names"]),
                collection=collection,
                positions=tensors,
                pixel_statistics=(tuple(mean), tuple(deviation)),
                fingerprint=header["fingerprint"],
            )
            _ = images.train, images.validation, images.test  # checks that they are there
            return images
        except FileNotFoundError as failure:
            raise DatasetError(f"{failure.filename or path} is not there: run the data pipeline") from failure
        except (SafetensorError, LookupError, TypeError, ValueError, RecursionError, AttributeError) as failure:
            raise DatasetError(f"{path} is damaged, or not a file of images: {failure}") from failure

    def save(self, data: ImageDataset) -> None:
        if data.collection.path is None:
            raise DatasetError("these images are in memory only; load_images(..., folder=...) decodes them into a file")
        path = Path(self._get_save_path())
        header = {
            "pixels": os.path.relpath(data.collection.path, path.parent.resolve()),
            "name": data.name,
            "class_names": data.class_names,
            "pixel_statistics": data.pixel_statistics,
            "fingerprint": data.fingerprint,
        }
        tensors = {"labels": data.collection.labels, **data.positions}
        save_file(tensors, path, metadata={name: canonical_json(value) for name, value in header.items()})


class ImagesDataset(AtomicSave, _Images):
    """Images as labels, splits and the path of the file of pixels; loading returns what was saved.

    Files of pixels of earlier saves are removed.

    Args:
        filepath: Path of the file with labels and splits.
        version: Version, set by Kedro for versioned datasets.
        metadata: Metadata for kedro-viz.
    """

    def preview(self) -> JSONPreview:
        """What images these are, for kedro-viz."""
        images: ImageDataset = self.load()
        sizes = {split: len(positions) for split, positions in images.positions.items()}
        facts = {"name": images.name, "classes": images.class_names, "images": sizes, "shape": images.image_shape}
        return JSONPreview(json.dumps({**facts, "fingerprint": images.fingerprint}))

    def save(self, data: ImageDataset) -> None:
        super().save(data)
        if data.collection.path is not None:
            remove_earlier(data.collection.path)
