"""The version of the tables of the state. Known without SQLAlchemy."""

# Who changes a table (store/schema) raises it and writes the migration (store/migrate).
SCHEMA_VERSION = 12
