"""Changes of the schema, one per file."""
