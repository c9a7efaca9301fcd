"""Evaluations have a learning curve, and tell what a continued training saves; those of before do not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("evaluations", sa.Column("learning_curve", sa.Text(), nullable=True))
    for name in ("reused_seconds", "pause_seconds"):
        op.add_column("evaluations", sa.Column(name, sa.Float(53), nullable=True))
