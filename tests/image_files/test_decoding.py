"""Decoding of single files: pixels, formats, and bounds of what a file may cost."""

import io
import os
import re
import resource
import socket
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mf_nas_kd.image_files.decoding import decode_file, decode_files, decode_into_map
from mf_nas_kd.image_files.opening import JPEG_SCAN_HEADER

NO_IMAGE = "it is no image, or its format is none of BMP, GIF, JPEG, PNG, TIFF, WEBP"


@pytest.fixture
def save(tmp_path):
    def save(name, pixels, **options):
        path = tmp_path / name
        Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
        return path

    return save


def test_an_image_of_the_wanted_size_keeps_its_pixels_channels_first(save):
    pixels = np.random.default_rng(0).integers(256, size=(5, 5, 3))
    assert np.array_equal(decode_file(save("a.png", pixels), 3, (5, 5)), pixels.transpose(2, 0, 1))


def test_grey_images_have_one_channel_or_three_equal_ones(save):
    path = save("a.png", np.arange(16).reshape(4, 4))
    assert decode_file(path, 1, (4, 4)).tolist() == [np.arange(16).reshape(4, 4).tolist()]
    assert np.array_equal(decode_file(path, 3, (4, 4)), np.stack([np.arange(16).reshape(4, 4)] * 3))


def test_the_middle_of_the_longer_side_is_kept(save):
    wide = np.repeat([[0, 0, 9, 9, 9, 9, 0, 0]], 4, axis=0)
    assert (decode_file(save("wide.png", wide), 1, (4, 4)) == 9).all()
    assert (decode_file(save("high.png", wide.T), 1, (4, 4)) == 9).all()


def test_a_smaller_image_is_the_mean_of_the_larger(save):
    halves = np.repeat(np.repeat([[0, 200]], 8, axis=0), 4, axis=1)
    left, right = decode_file(save("a.png", halves), 1, (2, 2))[0].mean(axis=0)
    assert left + right == pytest.approx(200, abs=1)
    assert left < 40 < 160 < right


def test_what_is_transparent_is_laid_on_white(save):
    half = np.zeros((2, 2, 4))
    half[:, 1, 3] = 255  # the right column is black, the left one is not seen
    assert decode_file(save("a.png", half), 1, (2, 2)).tolist() == [[[255, 0], [255, 0]]]


def test_an_image_is_turned_as_its_camera_says(save):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    path = save("a.png", [[1, 2], [3, 4]], exif=exif)
    assert decode_file(path, 1, (2, 2)).tolist() == [[[3, 1], [4, 2]]]


def test_every_file_that_cannot_be_read_is_named_and_the_others_are_read(save, tmp_path):
    good, broken, absent = save("good.png", [[7]]), tmp_path / "broken.png", tmp_path / "absent.png"
    broken.write_bytes(b"no image")
    pixels = np.zeros((3, 1, 1, 1), dtype=np.uint8)
    failures = decode_files([broken, absent, good], pixels, [0, 1, 2])
    assert failures == {0: NO_IMAGE, 1: "FileNotFoundError: No such file or directory"}
    assert pixels.ravel().tolist() == [0, 0, 7]


def test_a_part_of_a_map_is_written_in_its_place(save, tmp_path):
    whole = tmp_path / "pixels.npy"
    np.save(whole, np.zeros((4, 1, 1, 1), dtype=np.uint8))
    assert decode_into_map([save("a.png", [[5]]), save("b.png", [[6]])], str(whole), [3, 1]) == {}
    assert np.load(whole).ravel().tolist() == [0, 6, 0, 5]


# ---------------------------------------------------------------------------------- formats and bounds of hostile files


def refusal(path, channels=3):
    """Why an image cannot be read."""
    return decode_files([path], np.zeros((1, channels, 4, 4), dtype=np.uint8), [0])[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("name", ["PPM", "EPS", "PDF", "ICO", "TGA", "JPEG2000"])
def test_formats_under_other_names_are_refused(tmp_path, monkeypatch, name, suffix):
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16)).save(path, name)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("another program is started"))
    assert refusal(path) == NO_IMAGE


def test_postscript_starts_no_interpreter(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given, **_: started.append(given))
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\nshowpage\n")
    assert refusal(path) == NO_IMAGE
    assert not started


@pytest.mark.parametrize(
    ("name", "suffix"),
    zip(
        ["PNG", "JPEG", "WEBP", "MPO", "GIF", "BMP", "TIFF"],
        [".jpg", ".png", ".png", ".jpg", ".gif", ".bmp", ".tif"],
        strict=True,
    ),
)
def test_an_allowed_format_is_read_whatever_its_suffix(tmp_path, name, suffix):
    """Cameras write several JPEG images into one file (MPO)."""
    path = tmp_path / f"a{suffix}"
    image = Image.new("RGB", (16, 16), "white")
    image.save(path, name, **({"save_all": True, "append_images": [image]} if name == "MPO" else {}))
    assert decode_file(path, 1, (4, 4)).min() > 250


def png(*chunks, width=8, height=8, bit_depth=8, colour=2):
    """A PNG file of black pixels with further chunks, each a name and bytes, before them."""
    samples = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    packed = zlib.compressobj()
    rows = b"".join(packed.compress(bytes(1 + width * samples * bit_depth // 8)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", rows + packed.flush()), (b"IEND", b"")]
    packed_parts = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed_parts)


def jpeg(size=(16, 16), **options):
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG", **options)
    return file.getvalue()


def exif_bomb(entries):
    """Every entry points to as many bytes as all entries have together."""
    start = b"II*\0\x08\0\0\0" + struct.pack("<H", entries)
    return start + b"".join(struct.pack("<HHII", tag, 7, 12 * entries, 8) for tag in range(1, entries + 1))


def jpeg_segments(exif):
    """A JPEG file without the resolution of JFIF, for which EXIF data are parsed when the file is opened."""
    plain = jpeg()
    cut = [b"Exif\0\0" + exif[start : start + 65_000] for start in range(0, len(exif), 65_000)]
    return plain[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in cut) + plain[20:]


def raw_profile(exif):
    text = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()
    return png((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))


def tiff(entries=0, below=False, tile=None):
    """A TIFF file with entries that all point to the same bytes, in its header or in EXIF data, or with a large tile."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    if tile:
        tags |= {322: tile, 323: tile, 324: 8, 325: 64}
    content = bytes(64)
    if below:
        content += directory([(tag, 7, 12 * entries, 8) for tag in range(1, entries + 1)])
        tags[34665] = 8 + 64
    plain = [(tag, 4, 1, value) for tag, value in tags.items()]
    more = [] if below else [(40_000 + number, 7, 12 * entries, 8) for number in range(min(entries, 20_000))]
    padding = bytes(0 if below else 12 * max(0, entries - 20_000))
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory(sorted(plain + more)) + padding


def directory(entries):
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + bytes(4)


def text_bomb(name, start, count):
    return png(*[(name, start + zlib.compress(bytes(2**24)))] * count)


def empty_scans():
    """A small progressive file whose scans of ten bytes each go over all pixels."""
    progressive = jpeg((2048, 2048), progressive=True)
    last = progressive.rfind(b"\xff\xda")
    return progressive[:-2] + progressive[last : last + 10] * 1000 + progressive[-2:]


HOSTILE = {
    "pixels of PNG": (lambda: png(width=13_000, height=13_000), "it has 169,000,000 pixels (13000x13000), but must"),
    "pixels of JPEG": (
        lambda: jpeg((9000, 8000), progressive=True),
        "it has 72,000,000 pixels (9000x8000), but must have at most 67,108",
    ),
    "pixels in a line": (lambda: png(width=2**27, height=1), "(134217728x1), but must have at most 67,108,864"),
    "pixels of a bit": (
        lambda: png(width=2**28, height=1, bit_depth=1, colour=0),
        "it has more than 67,108,864 pixels",
    ),
    "pixels of the largest JPEG": (
        lambda: jpeg((13_000, 12_000)),
        "it has 156,000,000 pixels (13000x12000), but must have at most 134,217,728",
    ),
    "entries of TIFF": (lambda: tiff(entries=50_000), "bytes in the entries of its header, but must have at most 6"),
    "entries below those of TIFF": (lambda: tiff(entries=50_000, below=True), "bytes in the entries of its header"),
    "tile of TIFF": (lambda: tiff(tile=2**20), "pixels in a tile, but must have at most 67,108,864"),
    "EXIF of PNG": (lambda: png((b"eXIf", exif_bomb(60_000))), "it has 720,016 bytes of EXIF data, but must have at"),
    "EXIF of JPEG": (lambda: jpeg_segments(exif_bomb(60_000)), "it has 720,106 bytes of EXIF data, but must have at"),
    "EXIF as text": (lambda: raw_profile(exif_bomb(30_000)), "bytes of EXIF data, but must have at most 65,536"),
    "scans": (empty_scans, "pixels in all scans, but must have at most 2,147,483,648"),
    "zTXt": (lambda: text_bomb(b"zTXt", b"a\0\0", 100), "Decompressed data too large"),
    "iTXt": (lambda: text_bomb(b"iTXt", b"a\0\1\0\0\0", 100), "Decompressed data too large"),
    "ICC profile": (lambda: text_bomb(b"iCCP", b"a\0\0", 1), "Decompressed data too large"),
    "cut PNG": (lambda: png(width=300, height=300)[:-200], "truncated"),
    "cut JPEG": (lambda: jpeg((300, 300))[:-300], "truncated"),
    "empty": (lambda: b"", "it has 0 bytes"),
}


def test_the_hostile_tiff_is_an_image_but_for_its_bombs(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff())
    assert decode_file(tmp_path / "a.tif", 1, (8, 8)).max() == 0


@pytest.fixture(scope="module")
def other_process():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_bounds(tmp_path, other_process, name):
    """In a process that has half a GiB for it, and could be killed by it."""
    make, message = HOSTILE[name]
    path = tmp_path / "a.png"
    path.write_bytes(make())
    assert path.stat().st_size < 2_500_000
    assert message in other_process.submit(limited_refusal, path).result()


def limited_refusal(path):
    limit_memory()
    return refusal(path)


def limit_memory():
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + 2**29, resource.RLIM_INFINITY))


def test_a_large_image_within_the_bounds_is_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(width=8192, height=8192, colour=0))
    assert decode_file(path, 1, (4, 4)).tolist() == [[[0] * 4] * 4]


def test_a_jpeg_beyond_the_bounds_is_decoded_at_a_part_of_its_size(tmp_path, other_process):
    """A panorama with the thumbnail that cameras write: half a GiB does, where its pixels take 0.3."""
    image = Image.new("RGB", (13_000, 8000), "red")
    image.paste("blue", (6500, 0, 13_000, 8000))
    thumbnail = b"Exif\0\0II*\0\x08\0\0\0\0\0" + jpeg((64, 64))
    image.save(tmp_path / "a.jpg", "JPEG", exif=thumbnail)
    assert JPEG_SCAN_HEADER.findall((tmp_path / "a.jpg").read_bytes())[1:], "two scans"
    pixels = other_process.submit(limited_decoding, tmp_path / "a.jpg").result()
    assert pixels[:, :, :6].mean(axis=(1, 2)) == pytest.approx([254, 0, 0], abs=2)
    assert pixels[:, :, -6:].mean(axis=(1, 2)) == pytest.approx([0, 0, 254], abs=2)


def limited_decoding(path):
    limit_memory()
    return decode_file(path, 3, (16, 16))


def test_what_follows_an_image_in_its_file_is_no_scan(tmp_path):
    """Cameras append films to images."""
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg((2048, 2048), progressive=True) + b"\xff\xda" * 10_000)
    assert not decode_file(path, 1, (4, 4)).any()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_only_regular_files_are_opened(tmp_path, make):
    make(tmp_path / "a.png")
    assert re.search("it is a (named pipe|folder|device), not a file", refusal(tmp_path / "a.png"))


def test_a_socket_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket may have a hundred characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.png")
        assert "it is a socket, not a file" in refusal(tmp_path / "a.png")


def test_a_file_of_many_bytes_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.write(png())
        file.truncate(2**40)
    assert "it has 1,099,511,627,776 bytes, but must have at most 134,217,728" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("format_name", ["WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_read(tmp_path, monkeypatch, format_name):
    frames = [Image.new("RGB", (8, 8), (number, number, 255)) for number in range(255)]
    lossless = {"lossless": True} if format_name == "WEBP" else {}
    frames[7].save(tmp_path / "a.webp", format_name, save_all=True, append_images=frames, **lossless)
    assert decode_file(tmp_path / "a.webp", 3, (1, 1)).ravel().tolist() == [7, 7, 255]


@pytest.mark.parametrize(("index", "colour"), [(0, [255, 255, 255]), (1, [10, 20, 30])])
def test_a_palette_with_transparency_is_laid_on_white(tmp_path, index, colour):
    image = Image.new("P", (1, 1), index)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(tmp_path / "a.png", transparency=b"\x00\xff")
    assert decode_file(tmp_path / "a.png", 3, (1, 1)).ravel().tolist() == colour


def test_sixteen_bits_are_scaled_to_eight(save, tmp_path):
    values = np.array([[0, 128, 129, 257], [40_000, 65_406, 65_407, 65_535]] * 2, dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert decode_file(tmp_path / "a.png", 1, (4, 4))[0].tolist() == (values / 257).round().astype(int).tolist()


@pytest.mark.parametrize("values", [np.float32([[0, 0.5], [0.75, 1]]), np.int32([[0, 70_000], [1, 2]])])
def test_values_of_an_unknown_range_are_refused(tmp_path, values):
    """Pillow clips them: floating-point numbers from 0 to 1 would be black."""
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert "none is known to be white: save it with 8 or 16 bits" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_of_tiff_are_scaled_to_eight(tmp_path, order):
    values = np.array([[0, 257], [40_000, 65_535]])
    tags = {256: 2, 257: 2, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: 8}
    mark = order[0]
    entries = b"".join(struct.pack(f"{mark}HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = (b"II" if mark == "<" else b"MM") + struct.pack(f"{mark}HI", 42, 16) + values.astype(order).tobytes()
    (tmp_path / "a.tif").write_bytes(start + struct.pack(f"{mark}H", len(tags)) + entries + bytes(4))
    assert decode_file(tmp_path / "a.tif", 1, (2, 2))[0].tolist() == [[0, 1], [156, 255]]


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK"])
def test_usual_tiff_files_are_read(tmp_path, mode, compression):
    if compression == "jpeg" and mode in ("RGBA", "P"):
        pytest.skip("no such files")
    Image.new("RGB", (64, 48), (250, 250, 250)).convert(mode).save(tmp_path / "a.tif", compression=compression)
    assert decode_file(tmp_path / "a.tif", 3, (16, 16)).min() >= 244


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_tiff_is_undone_once(tmp_path, orientation):
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([[1, 2], [3, 4]], dtype=np.uint8)).save(path, tiffinfo={0x0112: orientation})
    assert decode_file(path, 1, (2, 2))[0].tolist() == ORIENTED[orientation]


def test_height_and_width_may_differ(save):
    pixels = np.arange(24).reshape(4, 6)
    assert decode_file(save("a.png", pixels), 1, (4, 6))[0].tolist() == pixels.tolist()
    assert decode_file(save("b.png", np.repeat([[0, 9, 9, 0]], 8, axis=0)), 1, (8, 2)).tolist() == [[[9, 9]] * 8]


ORIENTED = {
    1: [[1, 2], [3, 4]],
    2: [[2, 1], [4, 3]],
    3: [[4, 3], [2, 1]],
    4: [[3, 4], [1, 2]],
    5: [[1, 3], [2, 4]],
    6: [[3, 1], [4, 2]],
    7: [[4, 2], [3, 1]],
    8: [[2, 4], [1, 3]],
    9: [[1, 2], [3, 4]],
}


@pytest.mark.parametrize("orientation", ORIENTED)
def test_every_orientation_is_undone(save, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode_file(save("a.png", [[1, 2], [3, 4]], exif=exif), 1, (2, 2))[0].tolist() == ORIENTED[orientation]


def test_orientation_is_read_among_damaged_data(tmp_path):
    """A second entry points beyond the end."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 3) + struct.pack("<HHII", 0x010F, 2, 1000, 2**31)
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(4)
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[1, 2], [3, 4]], dtype=np.uint8)).save(path, exif=exif)
    assert decode_file(path, 1, (2, 2))[0].tolist() == ORIENTED[3]


@pytest.mark.parametrize(
    "exif", [b"", b"no TIFF", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff\x12\x01"]
)
def test_damaged_exif_data_do_not_hide_an_image(tmp_path, exif):
    path = tmp_path / "a.png"
    path.write_bytes(png((b"eXIf", exif)))
    assert not decode_file(path, 1, (4, 4)).any()
