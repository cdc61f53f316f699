"""Alembic's migrations, importable so that an installed package can migrate its database."""
