"""The history of the store's schema: one file a change in ``versions``, applied in the order of their numbers.

A column that a record gains is one more file: ``op.add_column`` with the name and type that
:mod:`mf_nas_kd.store.tables` derives from the record. A test compares the migrated tables with the derived ones.
"""
