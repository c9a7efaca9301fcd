"""The schema before the store had migrations: evaluations, and precomputed teacher targets (``teacher_fills``)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table("evaluations", row_number(), *evaluation_columns())
    op.create_index("ix_evaluations_key", "evaluations", ["key"])
    op.create_table("teacher_fills", row_number(), *teacher_fill_columns())


def evaluation_columns() -> list[sa.Column[object]]:
    """Columns of the table ``evaluations``, by which a store without a version is recognised."""
    return [
        *(_text(name) for name in ("key", "space", "architecture_id")),
        sa.Column("architecture", sa.Text(), nullable=False),
        sa.Column("train_fraction", sa.Float(53), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("width", sa.Float(53), nullable=False),
        _text("distillation"),
        sa.Column("seed", sa.Integer(), nullable=False),
        *(_text(name) for name in ("dataset", "dataset_fingerprint", "teacher_fingerprint", "status")),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("val_accuracy", sa.Float(53), nullable=True),
        sa.Column("test_accuracy", sa.Float(53), nullable=True),
        sa.Column("cost_seconds", sa.Float(53), nullable=False),
        sa.Column("macs", sa.Integer(), nullable=False),
        sa.Column("params", sa.Integer(), nullable=False),
        *(_text(name) for name in ("device", "code_version", "finished_at")),
    ]


def teacher_fill_columns() -> list[sa.Column[object]]:
    """Columns of the table ``teacher_fills``, which the oldest stores lack."""
    return [
        *(_text(name) for name in ("dataset_fingerprint", "teacher_fingerprint")),
        sa.Column("remembers", sa.Text(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        *(_text(name) for name in ("device", "code_version", "finished_at")),
    ]


def row_number() -> sa.Column[object]:
    """The number of the row, first column of every table."""
    return sa.Column("row_number", sa.Integer(), primary_key=True, autoincrement=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(255), nullable=False)
