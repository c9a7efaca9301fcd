"""A picture as the content of a PNG file."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


def png(picture: Figure) -> bytes:
    """The content of a PNG file of the picture, the same for equal pictures."""
    buffer = io.BytesIO()
    picture.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
