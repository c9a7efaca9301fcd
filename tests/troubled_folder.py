"""A folder of images with everything wrong that people's folders have, made from the photographs of scikit-learn."""

import csv
import unicodedata

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

TILE = 40
CLASSES = {"flor": 110, "café": 60, "tejado": 16}
"""Images of each class before what is planted: the third has few. The accent is written in two code points on the disk."""

UNREADABLE = "flor/cut_short.jpg"


def _tiles(photograph, rows):
    """Tiles of some rows of a photograph, none of which overlap; the ones with the most contrast first."""
    pixels = load_sample_image(photograph)
    tiles = [
        pixels[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row in rows
        for column in range(pixels.shape[1] // TILE)
    ]
    return sorted(tiles, key=lambda tile: -tile.std())


def make_troubled_folder(root):
    """Write the folder.

    Returns:
        Path of the CSV file of the groups (three consecutive tiles each), and the planted duplicates: pairs of names
        by their kind.
    """
    tiles = {"flor": _tiles("flower.jpg", range(10)), "café": _tiles("china.jpg", range(4)), "tejado": _tiles("china.jpg", range(6, 10))}  # fmt: skip
    groups = []
    for name, count in CLASSES.items():
        folder = root / unicodedata.normalize("NFD", name)
        folder.mkdir(parents=True)
        for number, tile in enumerate(tiles[name][:count]):
            Image.fromarray(tile).save(folder / f"{number:03}.png")
            groups.append((f"{folder.name}/{number:03}.png", f"{name} {number // 3}"))
    cafe, flor, tejado = (root / unicodedata.normalize("NFD", name) for name in ("café", "flor", "tejado"))
    with (root.parent / "groups.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "group"), *groups])
    _links(flor)
    _bookkeeping(root, flor)
    _odd_formats(tiles, tejado, cafe)
    (root / UNREADABLE).write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")
    return root.parent / "groups.csv", _duplicates(tiles, root, flor, cafe)


def _links(flor):
    (flor / "again.png").symlink_to(flor / "000.png")
    (flor / "loop").symlink_to(flor, target_is_directory=True)


def _bookkeeping(root, flor):
    for folder, name in (("@eaDir", "000.png"), (".ipynb_checkpoints", "000-checkpoint.png")):
        (flor / folder).mkdir()
        (flor / folder / name).write_bytes((flor / "000.png").read_bytes())
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "._000.png").write_bytes(b"resource fork")
    (flor / "Thumbs.db").write_bytes(b"thumbnails")
    (root / "notes.txt").write_text("taken in 2019")


def _odd_formats(tiles, tejado, cafe):
    grey = np.asarray(Image.fromarray(tiles["tejado"][20]).convert("L"), dtype=np.uint16)
    Image.fromarray(grey * 257).save(tejado / "sixteen_bits.png")
    Image.fromarray(tiles["café"][61]).convert("CMYK").save(cafe / "printed.jpg", quality=95)


def _duplicates(tiles, root, flor, cafe):
    """Plant one duplicate of each kind, three of them in another class."""
    planted = {
        "exact": (flor / "010.png", cafe / "same.png", tiles["flor"][10]),
        "re-encoded": (flor / "020.png", cafe / "smaller_file.jpg", tiles["flor"][20]),
        "mirrored": (flor / "030.png", cafe / "mirrored.png", tiles["flor"][30][:, ::-1]),
        "crop": (flor / "040.png", flor / "cut.png", tiles["flor"][40][2:-3, 3:-2]),
    }
    for _, copy, pixels in planted.values():
        Image.fromarray(pixels).save(copy, **({"quality": 60} if copy.suffix == ".jpg" else {}))
    return {kind: tuple(str(p.relative_to(root)) for p in pair[:2]) for kind, pair in planted.items()}
