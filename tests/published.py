"""The published lists of architectures, and tiny files like the published ones."""

import pickle

from mf_nas_kd.benchmarks.files import read_bytes
from mf_nas_kd.benchmarks.plain_pickle import plain_value
from mf_nas_kd.benchmarks.published import BENCHMARK, LISTS

MOBILENETS = [[[1, 8, 1, 1], [6, width, 2, 2], [0, 24, 2, 0]] for width in (8, 16, 12, 24, 32)]
SHUFFLENETS = [{"out_channels": [8, width, 32], "num_blocks": [1, 2]} for width in (16, 20, 24)]


def measured(accuracy, seconds=10.0):
    return {"test_acc": accuracy + 0.01, "valid_acc": accuracy, "wall_time": seconds}


def tiny_benchmark():
    """Two spaces; networks 0 to 3 of the MobileNetV2s have full trainings, 4 of the list has none."""
    return {
        "cifar100": {
            "mobilenet": {
                "nokd": {
                    27: {index: measured(0.1 + index / 100, 1.0) for index in range(5)},
                    1: {index: measured(0.5 + index / 100, 30.0) for index in range(4)},
                },
                "kd": {9: {0: measured(0.3, 5.0), 2: measured(0.2, 7.0)}, 27: {1: measured(0.25, 2.0)}},
                "a_new_method": {5: {3: measured(0.4, 4.0)}, 3: {}},
            },
            "shufflenet": {"nokd": {1: {0: measured(0.6), 1: measured(0.7)}}},
        }
    }


def write(folder, benchmark=None, **lists):
    """Files like the published ones.

    Args:
        benchmark: The table; a tiny one.
        lists: By the name of the space; tiny ones. None leaves a list out.
    """
    values = {BENCHMARK: tiny_benchmark() if benchmark is None else benchmark}
    values |= {LISTS[space]: lists.get(space, networks) for space, networks in TINY_LISTS.items()}
    for name, value in values.items():
        if value is not None:
            (folder / name).write_bytes(pickle.dumps(value))
    return str(folder)


TINY_LISTS = {"mobilenet": MOBILENETS, "shufflenet": SHUFFLENETS}


def published_entries(folder, name):
    url = f"{folder}/{LISTS[name]}"
    return plain_value(read_bytes(url), url)
