"""Evaluations have balanced accuracies; those of before have none, which means not measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("val_balanced_accuracy", "test_balanced_accuracy"):
        op.add_column("evaluations", sa.Column(name, sa.Float(53), nullable=True))
