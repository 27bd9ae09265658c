"""The only door to the state database (SQLAlchemy Core) and to stored run logs. Judges nothing."""
