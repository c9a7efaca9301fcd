"""Name the classes of images: ``python predict.py IMAGE ...``. Needs onnxruntime, Pillow and NumPy, nothing else."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

if __name__ == "__main__":
    here = Path(__file__).parent
    channels, height, width = json.loads((here / "preprocessing.json").read_text())["image_shape"]
    class_names = json.loads((here / "classes.json").read_text())
    session = onnxruntime.InferenceSession(here / "model.onnx")
    for path in sys.argv[1:]:
        image = ImageOps.exif_transpose(Image.open(path))
        if image.mode.startswith("I"):  # 16 bits a pixel
            image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8).reshape(1, height, width, channels).transpose(0, 3, 1, 2)
        (logits,) = session.run(["logits"], {"images": pixels})
        print(f"{path}: {class_names[logits.argmax()]}")
