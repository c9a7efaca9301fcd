"""Measure the models of this folder on this device: ``python measure.py [NAME]``. Needs onnxruntime and NumPy alone.

Writes measured.csv, which ``mf-nas-kd measure --read measured.csv`` reads. NAME is the name of the device; without it,
that of its processor. Run it on an idle device; a run that is started again goes on with the models that are missing.
"""

import csv
import sys
from pathlib import Path

from latency import RUNTIME, THREADS, device_name, measure_latency

COLUMNS = ("model", "device_name", "runtime", "threads", "latency_ms", "latency_low_ms", "latency_high_ms")

if __name__ == "__main__":
    folder = Path(__file__).parent
    name = sys.argv[1] if len(sys.argv) > 1 else device_name()
    results = folder / "measured.csv"
    done = {row["model"] for row in csv.DictReader(results.open(encoding="utf-8"))} if results.exists() else set()
    models = sorted(path for path in folder.glob("*.onnx") if path.stem not in done)
    with results.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if not done:
            writer.writerow(COLUMNS)
        for number, path in enumerate(models, start=1):
            found = measure_latency(path.read_bytes())
            times = (found.median_ms, found.low_ms, found.high_ms)
            writer.writerow([path.stem, name, RUNTIME, THREADS, *(f"{each:.6g}" for each in times)])
            file.flush()
            print(f"{number} of {len(models)}: {path.stem}: {found.median_ms:.3g} ms", flush=True)
