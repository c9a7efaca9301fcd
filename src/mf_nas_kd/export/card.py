"""The model card: what a network is, how it was made, how good it is, its limits, and how to use it.

References:
    Mitchell et al. (2019). Model Cards for Model Reporting. FAT*, section 4. Differences: factors and ethical
    considerations are left to the user, who knows the images; they are named as not evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mf_nas_kd.errors import printable
from mf_nas_kd.image_files.decoding import MODES
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records.metrics import Metric, metric_of
from mf_nas_kd.records.titles import images_title

NAMED_CLASSES = 20

CARD = """\
# The best small network for {dataset}

A {space} network (architecture `{architecture_id}`, fingerprint `{model_fingerprint}`) for images of {shape}
pixels, found and trained by mf_nas_kd. It has {macs:,} multiply-accumulates per image and {params:,} parameters.

## Use

```python
import json
import numpy, onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("model.onnx")
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
pixels = numpy.asarray(Image.open("photo.jpg").convert("{mode}")){add_channel}
(probabilities,) = session.run(["probabilities"], {{"images": pixels[None]}})
label = probabilities[0].argmax()
print(names[label], probabilities[0, label])
```

`images` is an array (B, H, W, {channels}), uint8, of any height and width: resizing, cropping and normalisation are
part of the model. Where this program is installed, `mf-nas-kd predict model.onnx photo.jpg` does the same and turns
photographs upright; `python predict.py photo.jpg` does so without this program. `model_int8.onnx` is the same network
in int8, and `model.safetensors` has its weights for PyTorch.

## Data

{train:,} training, {validation:,} validation and {test:,} test images of {classes} classes: {class_names}.
Validation images chose the network and its training; test images chose nothing.

## Training

{epochs} epochs, {way}; {seeds} seed(s), of which seed {seed} is delivered: it has the highest
validation {metric}.

## Metrics

| network | MACs | test {metric}, % | {level:g} % interval |
|---|---|---|---|
{rows}

Mean over seeds. The delivered weights: validation {val:.2f} %, test {own:.2f} %. `metrics.json` has all numbers,
`per_class_accuracy.csv` the accuracy of each class, `confusion_matrix.csv` which classes are taken for which
(rows are true classes), `worst_images.png` and `.csv` the test images that it gets most
wrong, `learning_curve.csv` its training.

## On a device

{device_table}

{device_sentences}

Of the delivered weights. Difference: from float32, paired over test images. Network: its part of the file, without the
preprocessing of images. Latency: median, with its spread over repeated measurements. Peak memory: the tensors between
operators that exist at one time, estimated from the graph; what an operator needs inside is not included, which in int8
is more with onnxruntime.

## Limits

- It was evaluated on images of the same source as its training images. On images of another source (camera, light,
  people, time) nothing is known of its accuracy, and it gives one of its classes to every image, whatever it shows.
- Groups of people or conditions were not evaluated apart, beside the classes.
- The probabilities are not calibrated.
- The intervals are for {test_images:,} test images; a difference within them is none.
{warnings}"""


def model_card(
    images: ImageDataset,
    trained: TrainedNetwork,
    winner: Mapping[str, Any],
    references: pd.DataFrame,
    test_images: int,
    level: float,
    device_table: pd.DataFrame,
    device_sentences: Sequence[str],
) -> str:
    """The model card in Markdown.

    Args:
        images: The images.
        trained: The network.
        winner: ``winner``.
        references: ``references``.
        test_images: Number of test images.
        level: Nominal coverage of the intervals, in (0, 1).
        device_table: Accuracy, size, latency and memory, one row a precision, as texts.
        device_sentences: Where they were measured, and what there is to say of them.
    """
    plain = ("architecture_id", "model_fingerprint", "macs", "params", "epochs", "seeds", "seed")
    metric, channels = metric_of(winner), trained.description.image_shape[0]
    return CARD.format(
        metric=metric.label,
        **{name: winner[name] for name in plain},
        space=markdown(winner["space"]),
        dataset=markdown(images_title(images.name)),
        shape="×".join(str(size) for size in trained.description.image_shape),
        channels=channels,
        mode=MODES[channels],
        add_channel="[..., None]" if channels == 1 else "",
        device_table=table_in_markdown(device_table),
        device_sentences="\n".join(markdown(sentence) for sentence in device_sentences),
        **{split: len(getattr(images, split)) for split in ("train", "validation", "test")},
        classes=images.classes,
        class_names=_class_names(images),
        way="plain" if winner["distillation"] == "none" else f"distilled ({markdown(winner['distillation'])})",
        level=100 * level,
        rows="\n".join(_row(row, metric) for row in references.to_dict(orient="records")),
        val=100 * winner[metric.validation],
        own=100 * winner[metric.test],
        test_images=test_images,
        warnings="".join(f"- {markdown(warning)}\n" for warning in winner["warnings"]),
    )


def markdown(text: str) -> str:
    r"""A text of the user's as one line of Markdown that shows it as it is.

    >>> print(markdown("US$ <b> a|b_c"))
    US\$ \<b\> a\|b\_c
    """
    return re.sub(r"([\\`*_{}\[\]<>#|$~&])", r"\\\1", " ".join(printable(text).split()))


def table_in_markdown(table: pd.DataFrame) -> str:
    r"""A table of texts in Markdown.

    >>> print(table_in_markdown(pd.DataFrame({"a": ["x|y"], "b": ["z"]})))
    | a | b |
    | --- | --- |
    | x\|y | z |
    """
    lines: list[Iterable[Any]] = [table.columns, ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(markdown(str(cell)) for cell in line)} |" for line in lines)


def _class_names(images: ImageDataset) -> str:
    named = [markdown(name) for name in images.class_names[:NAMED_CLASSES]]
    more = " and more (`classes.json`)" if images.classes > NAMED_CLASSES else ""
    return ", ".join(named) + more


def _row(row: Mapping[Any, Any], metric: Metric) -> str:
    name = "**this network**" if row["role"] == "winner" else f"{markdown(row['name'])} ({row['role']})"
    low, high = (row[f"{metric.test}_{end}"] for end in ("low", "high"))
    interval = "" if pd.isna(low) else f"[{100 * low:.2f}, {100 * high:.2f}]"
    return f"| {name} | {row['macs']:,.0f} | {100 * row[metric.test]:.2f} | {interval} |"
