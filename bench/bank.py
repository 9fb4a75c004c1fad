"""Databases to measure on: one template a book, made once; copies of it, and connections."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.errors

from bench.book import OPEN_ON, Book

HOME = Path(__file__).resolve().parents[1]
# Changes with what a book is made of, so that an older template is made anew.
LAYOUT = 9


def url_of(name: str, *, owner: bool = False) -> str:
    """The URL of a database beside the one that the environment names."""
    given = os.environ["DATABASE_OWNER_URL" if owner else "DATABASE_URL"]
    return urlunsplit(urlsplit(given)._replace(path=f"/{name}"))


def connect(name: str, *, owner: bool = False) -> Any:
    """A connection that commits every statement by itself."""
    connection = psycopg2.connect(url_of(name, owner=owner))
    connection.autocommit = True
    return connection


def has(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    return cursor.fetchone() is not None


def environment(name: str) -> dict[str, str]:
    """What a child process is told, so that it works on a database."""
    urls = {"DATABASE_URL": url_of(name), "DATABASE_OWNER_URL": url_of(name, owner=True)}
    return {**os.environ, **urls, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": ""}


def manage(name: str, *arguments: str) -> None:
    """A management command on a database."""
    command = [sys.executable, str(HOME / "manage.py"), *arguments]
    subprocess.run(command, env=environment(name), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def operation(name: str, operation: str, **asked: str) -> None:
    """An operation of the product on a database, unmeasured."""
    command = [sys.executable, "-m", "bench.ours", operation, json.dumps(asked)]
    subprocess.run(command, env=environment(name), check=True, stdout=subprocess.DEVNULL, cwd=HOME)


@contextmanager
def copy_of(template: str, name: str) -> Iterator[str]:
    """A copy of a database, dropped afterwards."""
    copy(template, name)
    try:
        yield name
    finally:
        drop(name)


def copy(template: str, name: str) -> None:
    drop(name)
    connection = connect("postgres", owner=True)
    connection.cursor().execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    connection.close()


def drop(name: str) -> None:
    """An autovacuum is ended by a plain drop, which waits for it; by force it is refused to whoever is no superuser."""
    connection = connect("postgres", owner=True)
    try:
        connection.cursor().execute(f'DROP DATABASE IF EXISTS "{name}"')
    except psycopg2.errors.ObjectInUse:
        connection.cursor().execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        connection.close()


def name_of(book: Book, empty: str = "") -> str:
    """The book's template; one made of a seeded bank is named after it, so that two such banks have one each."""
    return f"{empty or 'bench'}_{book.name}_{LAYOUT}"


def template_of(book: Book, say: Callable[[str], None], *, empty: str = "") -> str:
    """The name of the book's template database, which is made when there is none; `empty` is a seeded bank to copy."""
    from bench.stock import fill

    name = name_of(book, empty)
    connection = connect("postgres", owner=True)
    cursor = connection.cursor()
    # Two who ask at once wait for each other; the lock ends with the connection.
    cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
    if not has(cursor, name):
        draft = f"{name}_draft"
        drop(draft)
        copy(empty, draft) if empty else make_empty(draft)
        fill(book, url_of(draft, owner=True), say)
        first_evening(draft, book, say)
        cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    elif not empty:
        bring_up_to_date(cursor, name)
    connection.close()
    return name


def bring_up_to_date(cursor: Any, name: str) -> None:
    """What was added since a database was made (migrations, roles, parameters) comes into it; once for each state."""
    sources = [
        *sorted(HOME.glob("*/migrations/0*.py")),
        HOME / "people/actions/__init__.py",
        HOME / "config/seeding.py",
    ]
    mark = hashlib.sha256(b"".join(each.name.encode() + each.read_bytes() for each in sources)).hexdigest()
    cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
    if cursor.fetchone()[0] != mark:
        manage(name, "migrate", "--verbosity", "0")
        manage(name, "seed", "--verbosity", "0")
        cursor.execute(f'COMMENT ON DATABASE "{name}" IS %s', [mark])


def make_empty(name: str) -> None:
    """A migrated and seeded bank without loans."""
    connection = connect("postgres", owner=True)
    connection.cursor().execute(f'CREATE DATABASE "{name}"')
    connection.close()
    manage(name, "migrate", "--verbosity", "0")
    manage(name, "seed", "--verbosity", "0")


def first_evening(name: str, book: Book, say: Callable[[str], None]) -> None:
    """Lets the product run the evening of `OPEN_ON`, so that grades and tasks stand as a night leaves them."""
    from bench.days import add_receipts
    from bench.stock import spread_follow_ups

    connection = connect(name, owner=True)
    say(f"receipts of {OPEN_ON}: {add_receipts(connection.cursor(), OPEN_ON, seed=0)}")
    manage(name, "day_end", "--through", str(OPEN_ON), "--whole")
    spread_follow_ups(connection.cursor(), book)
    # What was moved is shared out and told of, as it was on the evenings before.
    operation(name, "share_out", day=str(OPEN_ON))
    connection.cursor().execute("VACUUM (ANALYZE)")
    connection.close()
    say(f"evening of {OPEN_ON} done")
