-- What programs show to the management API.
CREATE TABLE api_keys (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    last_used BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (tenant, name_key) WHERE revoked IS NULL;

-- Cursors of the event feed carry it; a restore raises it, so that a consumer learns that its cursor is void.
INSERT INTO meta (name, value) VALUES ('epoch', 1);
