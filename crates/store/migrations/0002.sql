-- A create may mean the one manual user whom its e-mail address reaches.
CREATE INDEX users_manual_email ON users (tenant, email_key, id)
    WHERE connection IS NULL AND visible = 1 AND email_key IS NOT NULL;

-- What a connection sees, page by page. The condition on the version holds for all; it keeps a planner that knows nothing
-- of the table yet from taking this index for a look-up that names no version.
CREATE INDEX users_page ON users (tenant, connection, id) WHERE visible = 1 AND version > 0;

-- Counts in as many parts as there are writers, so that none waits for another's row; a count is the sum of its parts.
CREATE TABLE tallies (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id, shard)
);
INSERT INTO tallies (tenant, kind, id, shard, value) SELECT tenant, kind, id, 0, value FROM counts;
DROP TABLE counts;

-- Work beside requests that one node does for all, until its lease ends.
CREATE TABLE leases (
    name TEXT PRIMARY KEY NOT NULL,
    holder BLOB NOT NULL,
    ends BIGINT NOT NULL
);

-- An administrator said that whoever has this user's name now is somebody else: it is not found by its name any more.
ALTER TABLE users ADD COLUMN name_given_up SMALLINT NOT NULL DEFAULT 0;

-- Where pages ended, so that the next one goes on there, whichever node it is asked of.
CREATE TABLE page_marks (
    tenant BLOB NOT NULL,
    connection BLOB NOT NULL,
    place BIGINT NOT NULL,
    last BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection, place)
);
CREATE INDEX page_marks_at ON page_marks (at);
