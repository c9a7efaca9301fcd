"""Name the classes of images: ``python predict.py IMAGE ...``. Needs onnxruntime, Pillow and NumPy, nothing else."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

if __name__ == "__main__":
    session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))
    facts = session.get_modelmeta().custom_metadata_map
    class_names, channels = json.loads(facts["class_names"]), json.loads(facts["image_shape"])[0]
    for path in sys.argv[1:]:
        image = ImageOps.exif_transpose(Image.open(path))
        if image.mode.startswith("I"):  # 16 bits a pixel
            image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(
            1, image.height, image.width, channels
        )
        (probabilities,) = session.run(["probabilities"], {"images": pixels})
        print(f"{path}: {class_names[probabilities.argmax()]} {probabilities.max():.3f}")
