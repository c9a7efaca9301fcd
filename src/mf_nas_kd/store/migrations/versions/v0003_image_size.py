"""Evaluations have an image size; those of before have none, which means the images' own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("evaluations", sa.Column("image_size", sa.Integer(), nullable=True))
