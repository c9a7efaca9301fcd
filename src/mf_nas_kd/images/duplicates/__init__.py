"""Images that show the same picture: exact duplicates, and copies that were re-encoded, cropped or mirrored."""

from mf_nas_kd.images.duplicates.action import DuplicatesAction, action_for
from mf_nas_kd.images.duplicates.kept import duplicates_of
from mf_nas_kd.images.duplicates.search import KINDS, find_duplicates

__all__ = ["KINDS", "DuplicatesAction", "action_for", "duplicates_of", "find_duplicates"]
