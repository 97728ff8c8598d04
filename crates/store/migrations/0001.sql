-- Every key starts with the tenant, so that a tenant's rows stay together and the tables can be split by tenant.
-- Times are milliseconds since 1970-01-01T00:00:00Z; ids are the sixteen bytes of a UUIDv7.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);

CREATE TABLE tenants (
    id BLOB PRIMARY KEY NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- Connections, profiles, storages, mappings and declared attributes: few, read together, and checked in Rust.
CREATE TABLE settings (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    name_key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE UNIQUE INDEX settings_name ON settings (tenant, kind, name_key);

CREATE TABLE tokens (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    last_used BIGINT,
    PRIMARY KEY (tenant, id)
);

-- The columns are what is searched and what Provost keeps beside the attributes; the document is the SCIM resource.
CREATE TABLE users (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB,
    user_name_key TEXT NOT NULL,
    account_name TEXT NOT NULL,
    account_key TEXT NOT NULL,
    external_id TEXT,
    email_key TEXT,
    display_name_derived SMALLINT NOT NULL,
    visible SMALLINT NOT NULL,
    idp_state TEXT NOT NULL,
    hold TEXT NOT NULL,
    status TEXT NOT NULL,
    held_since BIGINT,
    preserved_cause TEXT,
    preserved_by TEXT,
    preserved_at BIGINT,
    purge_at BIGINT,
    legal_hold SMALLINT NOT NULL,
    profile BLOB,
    storage BLOB,
    own_quota BIGINT,
    decision TEXT,
    doubt TEXT,
    -- What was set by hand: 1 the profile, 2 the storage, 4 the quota.
    pins SMALLINT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- A user that its identity provider deleted owns no name; it is found again among the former ones.
CREATE UNIQUE INDEX users_user_name ON users (tenant, user_name_key) WHERE visible = 1;
CREATE UNIQUE INDEX users_external_id ON users (tenant, connection, external_id)
    WHERE visible = 1 AND external_id IS NOT NULL;
CREATE UNIQUE INDEX users_account ON users (tenant, account_key);
CREATE INDEX users_email ON users (tenant, email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX users_former_user_name ON users (tenant, user_name_key, id) WHERE visible = 0;
CREATE INDEX users_former_external_id ON users (tenant, connection, external_id, id)
    WHERE visible = 0 AND external_id IS NOT NULL;
CREATE INDEX users_purge ON users (tenant, purge_at) WHERE purge_at IS NOT NULL AND legal_hold = 0;
CREATE INDEX users_held ON users (tenant, id) WHERE status = 'held';

-- Addresses beside the one that reaches the person; most people have none.
CREATE TABLE other_emails (
    tenant BLOB NOT NULL,
    email_key TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (tenant, email_key, id)
);
CREATE INDEX other_emails_user ON other_emails (tenant, id);

-- Counts that are kept, so that no request has to count.
CREATE TABLE counts (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

-- Dense and in commit order: a reader that keeps its last number misses nothing.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY NOT NULL,
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    user_id BLOB,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    request_id BLOB NOT NULL,
    data TEXT NOT NULL
);

CREATE INDEX events_user ON events (tenant, user_id, seq) WHERE user_id IS NOT NULL;

-- All that is left of a user who was purged.
CREATE TABLE tombstones (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    created BIGINT NOT NULL,
    purged BIGINT NOT NULL,
    purged_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

INSERT INTO meta (name, value) VALUES ('settings_generation', 1);
