"""The plan of a study for somebody's images and machine: what ``mf-nas-kd find`` chooses.

``survey`` looks at a folder of images, ``speed`` measures how fast this machine trains, ``plan`` divides the time
among the stages, ``sentences`` say what was found and what to expect. ``quantities`` reads and writes
amounts as people do.
"""

from __future__ import annotations
