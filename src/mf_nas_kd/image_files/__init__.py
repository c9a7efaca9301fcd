"""Image files that come from anywhere, opened within bounds and decoded to pixels; without torch.

``opening`` has the bounds, ``decoding`` makes pixels of a file: of its own size, or scaled and cropped to a fixed one.
"""

from __future__ import annotations

from mf_nas_kd.image_files.decoding import Pixels, decode_file, decode_files, decode_into_map, pixels_of_file
from mf_nas_kd.image_files.opening import SUFFIXES, RefusedFileError

__all__ = [
    "SUFFIXES",
    "Pixels",
    "RefusedFileError",
    "decode_file",
    "decode_files",
    "decode_into_map",
    "pixels_of_file",
]
