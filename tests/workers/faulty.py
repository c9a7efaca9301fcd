"""Tasks that fail of their machine. Each notes in a folder in which process it began, and when."""

import os
import signal
import sys
import time
import uuid

HANGS = 3600.0


def begin(folder):
    (folder / f"{time.time():017.6f}-{os.getpid()}-{uuid.uuid4().hex}").touch()
    return len(processes(folder))


def processes(folder):
    return [int(path.name.split("-")[1]) for path in folder.iterdir()]


def beginnings(folder):
    return sorted(float(path.name.split("-")[0]) for path in folder.iterdir())


def sound(context, number):
    return context + number


def busy(context, folder, seconds):
    begun = time.time()
    time.sleep(seconds)
    return begun, time.time()


def out_of_memory(context, folder):
    begin(folder)
    raise MemoryError


def out_of_gpu_memory(context, folder):
    begin(folder)
    raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")


def broken_gpu(context, folder):
    begin(folder)
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def full_disk(context, folder):
    begin(folder)
    raise OSError(28, "No space left on device")


def lost_folder(context, folder):
    begin(folder)
    raise OSError(116, "Stale file handle")


def leave(context, folder):
    begin(folder)
    sys.exit(3)


def end_generator(context, folder):
    begin(folder)
    raise GeneratorExit


def die(context, folder):
    begin(folder)
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(context, folder):
    if begin(folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(HANGS)


def hang(context, folder):
    begin(folder)
    time.sleep(HANGS)


def mistake(context, folder):
    begin(folder)
    raise KeyError("alpha")


def late_once(context, folder):
    if begin(folder) == 1:
        time.sleep(HANGS)
    return context


def stop_once(context, folder):
    if begin(folder) == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return context


class NeverThere:
    """A context that no worker ever finishes to take."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return hang, (None, self.folder)


class Unsendable(Exception):
    def __reduce__(self):
        raise TypeError("no pickle of mine")

    def __str__(self):
        return "no pickle of mine"


def unsendable(context):
    raise Unsendable
