"""Evaluations have the time that was lost to faults of machines; those of before have none, which means not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("evaluations", sa.Column("lost_seconds", sa.Float(53), nullable=True))
