"""Costs of networks on devices have a table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from mf_nas_kd.store.migrations.versions.v0001_first_schema import row_number

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    text = sa.Text().with_variant(sa.String(255), "sqlite")
    integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    columns: list[tuple[str, TypeEngine[Any]]] = [
        *((name, text) for name in ("space", "architecture_id")),
        ("architecture", sa.Text()),
        ("image_shape", text),
        ("classes", integer),
        *((name, text) for name in ("precision", "device_name", "runtime")),
        ("threads", integer),
        *((name, sa.Float(53)) for name in ("latency_ms", "latency_low_ms", "latency_high_ms")),
        *((name, sa.Float(53)) for name in ("activation_kib", "model_kib")),
        *((name, text) for name in ("code_version", "measured_at")),
    ]
    op.create_table("device_costs", row_number(), *(sa.Column(name, kind, nullable=False) for name, kind in columns))
