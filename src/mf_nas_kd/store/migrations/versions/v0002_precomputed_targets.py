"""The table of precomputed teacher targets is renamed."""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect

from mf_nas_kd.store.migrations.versions.v0001_first_schema import row_number, teacher_fill_columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the table and the column with the distillation configurations."""
    if "teacher_fills" not in inspect(op.get_bind()).get_table_names():
        op.create_table("teacher_fills", row_number(), *teacher_fill_columns())
    op.rename_table("teacher_fills", "precomputed_targets")
    op.alter_column("precomputed_targets", "remembers", new_column_name="distillation")
