"""Integers have 64 bits, and texts any length. SQLite's columns have always been so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INTEGERS = {
    "evaluations": ("epochs", "seed", "macs", "params", "image_size"),
    "precomputed_targets": ("pairs",),
}
TEXTS = {
    "evaluations": (
        "space",
        "architecture_id",
        "distillation",
        "dataset",
        "dataset_fingerprint",
        "teacher_fingerprint",
        "status",
        "device",
        "code_version",
        "finished_at",
    ),
    "precomputed_targets": ("dataset_fingerprint", "teacher_fingerprint", "device", "code_version", "finished_at"),
}


def upgrade() -> None:
    """Widen the columns of a server."""
    if op.get_bind().dialect.name == "sqlite":
        return
    _alter(INTEGERS, sa.BigInteger())
    _alter(TEXTS, sa.Text())


def _alter(columns: dict[str, tuple[str, ...]], kind: sa.BigInteger | sa.Text) -> None:
    for table, names in columns.items():
        for name in names:
            op.alter_column(table, name, type_=kind, existing_nullable=name == "image_size")
