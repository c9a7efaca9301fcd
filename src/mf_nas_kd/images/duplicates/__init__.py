"""Images that show the same picture: exact duplicates, and copies that were re-encoded, cropped or mirrored."""

from mf_nas_kd.images.duplicates.action import DuplicatesAction, action_for
from mf_nas_kd.images.duplicates.kept import duplicates_of
from mf_nas_kd.images.duplicates.search import EXACT, KINDS, find_duplicates, no_pairs
from mf_nas_kd.images.duplicates.table import describe, duplicates_table

__all__ = [
    "EXACT",
    "KINDS",
    "DuplicatesAction",
    "action_for",
    "describe",
    "duplicates_of",
    "duplicates_table",
    "find_duplicates",
    "no_pairs",
]
