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
    """
    CREATE TABLE history (
        number       INTEGER PRIMARY KEY,         -- later entries have higher ones
        id           TEXT NOT NULL UNIQUE,        -- our own, known before a request is sent
        digest       TEXT NOT NULL,               -- of where it was asked, which model, the inputs, the upload, who paid
        visitor      TEXT NOT NULL DEFAULT '',    -- digest of the id in the visitor's browser; '': nobody's page shows it
        key_of       TEXT NOT NULL DEFAULT '',    -- whose key it was sent with: '' none, owner, visitor
        base_url     TEXT NOT NULL,
        model        TEXT NOT NULL,
        label        TEXT NOT NULL DEFAULT '',    -- what people call the model
        credits      INTEGER NOT NULL DEFAULT 0,
        input        TEXT NOT NULL,               -- JSON, without the image
        image        TEXT,                        -- path of the upload below the outputs folder
        job_id       TEXT,                        -- NULL as long as nobody knows whether it was accepted
        status       TEXT NOT NULL,               -- sent, then the API's words
        created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        ended_at     TEXT,
        error        TEXT,
        outputs      TEXT NOT NULL DEFAULT '[]',  -- JSON list of paths below the outputs folder
        thumbnail    TEXT,                        -- likewise a path
        size_bytes   INTEGER NOT NULL DEFAULT 0,
        time_s       REAL,
        is_favourite INTEGER NOT NULL DEFAULT 0,
        UNIQUE (base_url, job_id)
    )
    """,
    """
    INSERT INTO history (id, digest, base_url, model, credits, input, job_id, status, created_at, ended_at, error, outputs,
                         thumbnail, size_bytes, time_s)
    SELECT lower(hex(randomblob(16))), coalesce(r.digest, ''), p.base_url, p.model, 45, p.input, p.job_id, p.status,
           p.created_at, p.ended_at, p.error, p.outputs, r.thumbnail, coalesce(r.size_bytes, 0), r.time_s
    FROM predictions p LEFT JOIN results r ON r.base_url = p.base_url AND r.job_id = p.job_id AND r.state = 'made'
    ORDER BY p.rowid
    """,
    "DROP TABLE predictions",
    "DROP TABLE results",  # free pictures, and copies of what the history holds
    """
    CREATE TABLE spending (                       -- of the owner's credits; entries may be deleted, what was spent stays
        id         TEXT PRIMARY KEY,              -- of the history's entry
        visitor    TEXT NOT NULL,
        credits    INTEGER NOT NULL,
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    )
    """,
    "CREATE INDEX history_of_visitor ON history (visitor, number)",
    "CREATE INDEX history_by_digest ON history (digest)",
    "ALTER TABLE history ADD COLUMN missing INTEGER NOT NULL DEFAULT 0",  # pictures that were made and could not be fetched
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
