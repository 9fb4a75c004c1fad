"""SQL shared by migrations: what the application role may do, and tables whose rows never change.

The owner migrates; the application role reads and writes rows, owns nothing, and is refused any
change of history both by missing privilege and by trigger (the trigger holds the owner too).
"""

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation


def application_role() -> str:
    """Name of the application role; empty when the bank runs with a single role."""
    owner = settings.DATABASES["default"].get("USER", "")
    role = settings.DATABASE_APP_ROLE
    return "" if role == owner else role


def grant_to_application(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Existing and future tables and sequences become usable, not changeable, for the application."""
    role = application_role()
    if not role:
        return
    name = schema_editor.quote_name(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {name}",
    ):
        schema_editor.execute(statement)


def history_is_kept(table: str) -> Operation:
    """UPDATE, DELETE and TRUNCATE of the table are refused: by trigger to all, by privilege to the application."""

    def forwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute(REFUSE_CHANGE, params=None)
        name = schema_editor.quote_name(table)
        schema_editor.execute(
            f"CREATE TRIGGER history_is_kept BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        schema_editor.execute(
            f"CREATE TRIGGER history_is_not_emptied BEFORE TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        if application_role():
            schema_editor.execute(
                f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {schema_editor.quote_name(application_role())}"
            )

    def backwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        name = schema_editor.quote_name(table)
        schema_editor.execute(f"DROP TRIGGER IF EXISTS history_is_kept ON {name}")
        schema_editor.execute(f"DROP TRIGGER IF EXISTS history_is_not_emptied ON {name}")

    return migrations.RunPython(forwards, backwards)


REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: history is added to, never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
