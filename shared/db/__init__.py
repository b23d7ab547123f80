"""The only SQL of the project: SQLAlchemy Core on psycopg 3, PostgreSQL 15 and later."""
