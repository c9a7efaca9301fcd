"""The table of precomputed teacher targets is renamed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the table and the column with the distillation configurations."""
    op.rename_table("teacher_fills", "precomputed_targets")
    op.alter_column("precomputed_targets", "remembers", new_column_name="distillation")
