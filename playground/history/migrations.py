"""The database's schema as a list that only ever grows; each entry runs once, in order, when a store is opened."""

import sqlite3

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE predictions (
        job_id     TEXT NOT NULL,
        base_url   TEXT NOT NULL,
        model      TEXT NOT NULL,
        status     TEXT NOT NULL,
        input      TEXT NOT NULL,               -- JSON, without the image
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        ended_at   TEXT,
        error      TEXT,
        outputs    TEXT NOT NULL DEFAULT '[]',  -- JSON list of paths below the outputs folder
        PRIMARY KEY (base_url, job_id)
    )
    """,
    """
    CREATE TABLE results (
        digest       TEXT PRIMARY KEY,            -- of where it was asked, which model, the inputs and the upload
        base_url     TEXT NOT NULL,
        model        TEXT NOT NULL,
        input        TEXT NOT NULL,               -- JSON, without the image
        image_digest TEXT NOT NULL DEFAULT '',    -- SHA-256 of the upload, if there was one
        state        TEXT NOT NULL,               -- sent, accepted, made
        job_id       TEXT,
        outputs      TEXT NOT NULL DEFAULT '[]',  -- JSON list of paths below the outputs folder
        thumbnail    TEXT,                        -- likewise
        size_bytes   INTEGER NOT NULL DEFAULT 0,
        time_s       REAL,
        created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    )
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database of any earlier version up to date; others that open it at the same moment wait."""
    with connection:
        # sqlite3 opens no transaction for CREATE or PRAGMA by itself, and the version must be read under the lock.
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, statement in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
