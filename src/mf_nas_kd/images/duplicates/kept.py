"""The duplicates of a file of decoded images, kept beside it."""

from __future__ import annotations

import logging
import time

import pandas as pd
from torch import Tensor

from mf_nas_kd.files import written_whole
from mf_nas_kd.images.dataset import ImageCollection
from mf_nas_kd.images.duplicates.search import find_duplicates

logger = logging.getLogger(__name__)

VERSION = 1
"""Part of the name of the file. Raise it when a change of the code changes which duplicates are found."""


def duplicates_of(collection: ImageCollection, among: Tensor, near_limit: int) -> pd.DataFrame:
    """Pairs of images that show the same picture, see :func:`search.find_duplicates`.

    Those of a file of images are searched once.

    Args:
        collection: All images.
        among: Indices of the images that could be read, ascending, ``(N,)``, int64.
        near_limit: Most images among which copies with other pixels are looked for; equal pixels always are.
    """
    near = len(among) <= near_limit
    if collection.path is None:
        return find_duplicates(collection.pixels, among, near)
    kinds = "duplicates" if near else "exact-duplicates"
    path = collection.path.with_suffix(f".{kinds}-{VERSION}.parquet")
    if path.is_file():
        return pd.read_parquet(path)
    if not near:
        limit = f"{len(among):,} images are more than {near_limit:,} (images.near_duplicates_limit)"
        logger.warning("Only exact duplicates are looked for: %s", limit)
    started = time.perf_counter()
    found = find_duplicates(collection.pixels, among, near)
    seconds = time.perf_counter() - started
    logger.info("Looked for duplicates among %d images in %.1f s: %d pairs", len(among), seconds, len(found))
    with written_whole(path) as temporary:
        found.to_parquet(temporary)
    return found
