"""Where the weights of a network come from, and whether they may know what is validation or test here.

A provenance is the fingerprint of images and splits that this program trained on, or the name of weights that another
project published, or ``UNKNOWN_ORIGIN``. A trained network has a list of them, the first one first.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from mf_nas_kd.errors import InvalidValueError

logger = logging.getLogger(__name__)

UNKNOWN_ORIGIN = ""
"""Provenance of weights that another program saved."""


def other_origins(trained_on: Sequence[str], fingerprint: str) -> tuple[str, ...]:
    """Provenances of weights beside the images of a study, in words; empty where there are none.

    Args:
        trained_on: Provenances of the weights.
        fingerprint: Fingerprint of the study's images and splits.

    >>> other_origins(["", "0123456789abcdef"], "0123456789abcdef")
    ('unknown',)
    """
    return tuple(origin or "unknown" for origin in trained_on if origin != fingerprint)


def warn_of_other_origins(trained_on: Sequence[str], fingerprint: str) -> None:
    """Log a warning where weights were trained on anything but the training images of a study.

    Args:
        trained_on: Provenances of the weights.
        fingerprint: Fingerprint of the study's images and splits.
    """
    if others := other_origins(trained_on, fingerprint):
        logger.warning(
            "The teacher's weights were trained on other images or splits too (%s): it may have learned what is "
            "validation or test here, and results that it distils into may be too good",
            ", ".join(others),
        )


def require_own_or_unknown(trained_on: Sequence[str], fingerprint: str) -> None:
    """Refuse weights that this program trained on other splits only; warn of those whose images are not known.

    Args:
        trained_on: Provenances of the weights.
        fingerprint: Fingerprint of the study's images and splits.

    Raises:
        InvalidValueError: If the weights were trained by this program, and never on these images and splits.
    """
    others = other_origins(trained_on, fingerprint)
    if fingerprint not in trained_on and any(_is_fingerprint(origin) for origin in trained_on):
        allowed = f"{fingerprint}: it may have learned what is now validation or test; run the teacher pipeline"
        raise InvalidValueError("the fingerprint of the teacher's images", ", ".join(others), allowed)
    warn_of_other_origins(trained_on, fingerprint)


def _is_fingerprint(origin: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{16}", origin) is not None
