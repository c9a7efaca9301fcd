"""Parameters of the pipeline ``export``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from mf_nas_kd.export.onnx import OPSETS
from mf_nas_kd.export.quantisation import Int8Parameters


class ExportParameters(BaseModel):
    """The export of the delivered network.

    Attributes:
        study: Name of the study, in the metadata of the deployed models.
        licence: Licence of the delivered network; null where none is stated.
        opset: Version of the ONNX operator set of the deployed models.
        int8: How the network is quantised.
        int8_tolerance_points: How much lower than that of float32 the score of int8 for the validation images may be,
            in percentage points. Where more is lost, layers stay in float.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    licence: str | None
    opset: Annotated[int, Field(ge=OPSETS.start, lt=OPSETS.stop)]
    int8: Int8Parameters
    int8_tolerance_points: NonNegativeFloat
