"""Search for images that show the same picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mf_nas_kd.cores import available_cores
from mf_nas_kd.images.duplicates.alignment import Rectangles, agreement, align
from mf_nas_kd.images.duplicates.descriptors import IMAGES_PER_CHUNK, WHOLE, Window, descriptors, luma, thumbnails
from mf_nas_kd.images.duplicates.inverted_file import MOST_PER_QUERY, InvertedFile
from mf_nas_kd.progress import progress_bar

EXACT = "exact"
KINDS = (EXACT, "re-encoded", "crop", "mirrored")
SMALLEST_SIDE = 16  # pixels: pictures of fewer look alike without being copies, and only exact duplicates are told

WINDOWS = (
    WHOLE,
    Window(mirrored=True),
    *(
        Window(scale, (1 - scale) * top, (1 - scale) * left)
        for scale, places in ((0.9, (0.1, 0.5, 0.9)), (0.82, (0.125, 0.375, 0.625, 0.875)))
        for top in places
        for left in places
    ),
)
"""What of an image may be the whole of another: so many crops that one is near every crop of 80 % of the sides."""

# The figures of all thresholds are in benchmarks/README.md, section duplicates.
LEAST_PRODUCT_WHOLE, LEAST_PRODUCT_CROP = 0.95, 0.85  # of descriptors, of pairs that are aligned
CERTAIN = 0.93  # similarity of copies, whatever was done to their colours
LIKELY, LARGEST_DIFFERENCE = 0.85, 0.4  # similarity of copies whose colours are alike as well
CROP_SCALE = 0.97  # mean of height and width of a window that is smaller is called a crop
PAIRS_PER_CHUNK = 1024

T = TypeVar("T")
U = TypeVar("U")


def find_duplicates(pixels: Tensor, among: Tensor, near: bool) -> pd.DataFrame:
    """Find images that are copies of one picture.

    Of several images with equal pixels, each is paired with the first only. Near duplicates are found if they keep
    their orientation or are mirrored, and if one shows at least 80 % of height and width of the other. Where many
    images look alike, each is compared with the most similar ones only.

    Args:
        pixels: Pixels of all images, ``(M, C, H, W)``, uint8; possibly mapped from a file.
        among: Indices of the images that are compared, ascending, ``(N,)``, int64.
        near: Whether to look for copies whose pixels differ; not done below 16 pixels.

    Returns:
        One row a pair: ``first`` and ``second`` (indices of the images, the smaller first), ``kind`` (one of
        ``KINDS``) and ``similarity`` (see :func:`alignment.agreement`; 1 for exact duplicates), sorted by the indices.
    """
    exact, distinct = _exact(pixels, among)
    tables = [exact]
    if near and len(distinct) > 1 and min(pixels.shape[-2:]) >= SMALLEST_SIDE:
        found = _near(thumbnails(pixels, distinct))
        tables.append(found.assign(**{name: distinct.numpy()[found[name]] for name in ("first", "second")}))
    return pd.concat(tables).sort_values(["first", "second"], ignore_index=True)


def no_pairs() -> pd.DataFrame:
    """The result of :func:`find_duplicates` where there are none."""
    return _table([], [], [], [])


def _exact(pixels: Tensor, among: Tensor) -> tuple[pd.DataFrame, Tensor]:
    """Pairs of images with equal pixels, and the indices of the first ones of all different images."""
    first: dict[bytes, int] = {}
    rows = []
    for part in among.split(IMAGES_PER_CHUNK):
        for index, image in zip(part.tolist(), pixels[part].numpy(), strict=True):
            earlier = first.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), index)
            if earlier != index:
                rows.append((earlier, index))
    pairs = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return _table(pairs[:, 0], pairs[:, 1], "exact", 1.0), torch.tensor(list(first.values()), dtype=torch.int64)


def _near(images: Tensor) -> pd.DataFrame:
    """Pairs of near duplicates among thumbnails ``(N, C, 32, 32)``, uint8."""
    brightness = torch.cat([luma(part) for part in images.split(IMAGES_PER_CHUNK)])
    index = InvertedFile.of(_all_descriptors(brightness, WHOLE))

    def candidates(number: int) -> pd.DataFrame:
        window = WINDOWS[number]
        least = LEAST_PRODUCT_WHOLE if window.scale == 1 else LEAST_PRODUCT_CROP
        found = index.similar(_all_descriptors(brightness, window), least)
        columns = {name: values.numpy() for name, values in found._asdict().items()}
        return pd.DataFrame(columns).assign(window=number)

    pairs = _most_similar(pd.concat(_in_threads(candidates, range(len(WINDOWS)), "looking for duplicates")))
    chunks = [pairs[start : start + PAIRS_PER_CHUNK] for start in range(0, len(pairs), PAIRS_PER_CHUNK)]
    verified = _in_threads(lambda chunk: _verified(images, chunk), chunks, "comparing candidates")
    return pd.concat([no_pairs(), *verified])


def _all_descriptors(brightness: Tensor, window: Window) -> Tensor:
    return torch.cat([descriptors(part, window) for part in brightness.split(IMAGES_PER_CHUNK)])


def _most_similar(candidates: pd.DataFrame) -> pd.DataFrame:
    """The most similar candidates of each image, every two images once, with the window that fits best."""
    pairs = np.sort(candidates[["query", "vector"]].to_numpy(), axis=1)
    ordered = candidates.assign(low=pairs[:, 0], high=pairs[:, 1]).sort_values(
        ["product", "low", "high", "window"], ascending=[False, True, True, True]
    )
    return ordered.drop_duplicates(["low", "high"]).groupby("query").head(MOST_PER_QUERY)


def _verified(images: Tensor, candidates: pd.DataFrame) -> pd.DataFrame:
    """Those candidates that are copies, aligned before they are compared."""
    query, vector = (torch.from_numpy(candidates[name].to_numpy().copy()) for name in ("query", "vector"))
    windows = [WINDOWS[number] for number in candidates["window"]]
    mirrored = torch.tensor([window.mirrored for window in windows])
    first, second = images[query].float(), images[vector].float()
    first = torch.where(mirrored[:, None, None, None], first.flip(-1), first)
    start = Rectangles(
        torch.tensor([(window.scale, window.scale) for window in windows]),
        torch.tensor([window.centre for window in windows]),
    )
    rectangles = align(luma(first), luma(second), start)
    similarity, difference = agreement(rectangles.of(first), second)
    copies = (similarity >= CERTAIN) | ((similarity >= LIKELY) & (difference <= LARGEST_DIFFERENCE))
    cropped = rectangles.scale.mean(1) < CROP_SCALE
    kinds = np.select([mirrored.numpy(), cropped.numpy()], ["mirrored", "crop"], "re-encoded")
    low, high = torch.minimum(query, vector).numpy(), torch.maximum(query, vector).numpy()
    return _table(low, high, kinds, similarity.double().numpy())[copies.numpy()]


def _table(first: Any, second: Any, kind: Any, similarity: Any) -> pd.DataFrame:
    """Pairs of indices with their kinds and similarities."""
    indices = {"first": np.asarray(first, dtype=np.int64), "second": np.asarray(second, dtype=np.int64)}
    return pd.DataFrame(indices).assign(kind=kind, similarity=similarity)


def _in_threads(function: Callable[[T], U], arguments: Sequence[T], what: str) -> list[U]:
    """Results of a function of torch, each computed by one thread of as many as there are cores."""
    threads = torch.get_num_threads()
    try:
        with (
            ThreadPoolExecutor(available_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool,
            progress_bar(what, total=len(arguments), delay_seconds=5) as progress,
        ):
            results = []
            for result in pool.map(function, arguments):
                results.append(result)
                progress.update(1)
            return results
    finally:
        torch.set_num_threads(threads)
