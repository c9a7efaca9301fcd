"""How many planted copies the search for duplicates finds, what else it finds, and how long it takes.

Copies of random images of a folder are added to its images: equal ones, ones that were saved as JPEG files of quality
50, crops of 80 to 90 % of width and height, mirrored ones, and ones that were scaled to three quarters and back. What
is found beside them is in the folder itself; a picture of random pairs of these shows whether they are copies.

    python benchmarks/duplicates.py /my/images
    python benchmarks/duplicates.py /my/images --planted 1000 --picture pairs.png
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from mf_nas_kd.images import load_images
from mf_nas_kd.images.duplicates import KINDS, find_duplicates
from mf_nas_kd.statistics import wilson_interval

PAIRS_PER_ROW, SHOWN = 10, 200


def re_encoded(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Saved as a JPEG file of quality 50."""
    content = BytesIO()
    image.save(content, "JPEG", quality=50)
    return Image.open(content).convert("RGB")


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """80 to 90 % of width and height, anywhere in the image, stretched to its size."""
    side = rng.uniform(0.8, 0.9)
    left, top = rng.uniform(0, 1 - side, 2)
    box = np.array([left, top, left + side, top + side]) * np.tile(image.size, 2)
    return image.resize(image.size, Image.Resampling.BILINEAR, box=tuple(box.tolist()))


def mirrored(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Left and right exchanged."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def rescaled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Scaled to three quarters and back."""
    small = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.BILINEAR)
    return small.resize(image.size, Image.Resampling.BILINEAR)


COPIES: dict[str, tuple[str, Callable[[Image.Image, np.random.Generator], Image.Image]]] = {
    "equal": ("exact", lambda image, rng: image),
    "JPEG, quality 50": ("re-encoded", re_encoded),
    "scaled to 3/4": ("re-encoded", rescaled),
    "crop, 80 to 90 %": ("crop", cropped),
    "mirrored": ("mirrored", mirrored),
}
"""Copies, and the kind of duplicate that each is."""


def interval(successes: int, n: int) -> str:
    """A proportion with Wilson's 95 % interval, in per cent."""
    low, high = wilson_interval(successes, n, level=0.95)
    return f"{successes} of {n}, {successes / n:.1%} ({low:.1%} to {high:.1%})"


def picture(pixels: torch.Tensor, pairs: pd.DataFrame) -> Image.Image:
    """Pairs side by side."""
    side, gap = 2 * pixels.shape[-1], 6
    rows = -(-len(pairs) // PAIRS_PER_ROW)
    sheet = Image.new("RGB", (PAIRS_PER_ROW * (2 * side + 2 * gap), rows * (side + gap)), "white")
    for number, pair in enumerate(pairs.itertuples()):
        for column, index in enumerate((pair.first, pair.second)):
            image = Image.fromarray(pixels[index].permute(1, 2, 0).numpy()).resize((side, side), Image.NEAREST)
            left = number % PAIRS_PER_ROW * (2 * side + 2 * gap) + column * (side + 2)
            sheet.paste(image, (left, number // PAIRS_PER_ROW * (side + gap)))
    return sheet


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="class folders, or train and test folders of them")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--planted", type=int, default=1000, help="copies of each kind")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    options = {"folder": str(arguments.folder), "image_size": arguments.image_size, "channels": 3}
    with tempfile.TemporaryDirectory() as kept:
        images = load_images("image_folder", 0.1, 0.1, 0, options, Path(kept))
        originals = images.collection.pixels.clone()
    rng, count = np.random.default_rng(0), len(originals)
    started, busy = time.perf_counter(), time.process_time()
    found = find_duplicates(originals, torch.arange(count), near=True)
    seconds, of_cores = time.perf_counter() - started, time.process_time() - busy
    print(f"{count} images: {seconds:.1f} s, {of_cores:.1f} s of a core, {len(found)} pairs")  # noqa: T201
    for kind in KINDS:
        print(f"  {kind:12} {(found['kind'] == kind).sum()} pairs")  # noqa: T201
    if arguments.picture:
        picture(originals, found.sample(min(SHOWN, len(found)), random_state=0)).save(arguments.picture)
    chosen = rng.choice(count, (len(COPIES), arguments.planted), replace=False)
    copies = [
        np.asarray(copy(Image.fromarray(originals[index].permute(1, 2, 0).numpy()), rng)).transpose(2, 0, 1)
        for (_, copy), row in zip(COPIES.values(), chosen, strict=True)
        for index in row
    ]
    everything = torch.cat([originals, torch.from_numpy(np.stack(copies))])
    found = find_duplicates(everything, torch.arange(len(everything)), near=True)
    kinds = dict(zip(zip(found["first"], found["second"], strict=True), found["kind"], strict=True))
    planted = zip(chosen.flatten().tolist(), range(count, len(everything)), strict=True)
    told = np.array([kinds.get(pair, "") for pair in planted]).reshape(chosen.shape)
    for (name, (kind, _)), row in zip(COPIES.items(), told, strict=True):
        right, any_kind = (row == kind).sum(), (row != "").sum()
        print(f"{name:18} found: {interval(any_kind, len(row))}; of the right kind: {right}")  # noqa: T201


if __name__ == "__main__":
    main()
