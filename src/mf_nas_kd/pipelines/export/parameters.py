"""Parameters of the pipeline ``export``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mf_nas_kd.export.onnx import OPSETS


class ExportParameters(BaseModel):
    """The export of the delivered network.

    Attributes:
        opset: Version of the ONNX operator set of the deployed models.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    opset: Annotated[int, Field(ge=OPSETS.start, lt=OPSETS.stop)]
