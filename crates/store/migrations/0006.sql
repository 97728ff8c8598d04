-- Who was purged, in order: the provisioning log follows them, and forgets.
CREATE INDEX events_purged ON events (seq) WHERE kind = 'user.purged';

-- Requests of the management API that carry an Idempotency-Key, for a day.
CREATE TABLE repeats (
    tenant BLOB NOT NULL,
    caller BLOB NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status BIGINT,
    body TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, caller, key)
);
CREATE INDEX repeats_at ON repeats (at);

-- Users who lost the match that placed them, and when they move to what is left: somebody who leaves often loses the groups
-- first. There is a row for whoever is marked so.
CREATE TABLE late_moves (
    tenant BLOB NOT NULL,
    user_id BLOB NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX late_moves_due ON late_moves (tenant, due);

-- Connections many of whose users left at once: nobody is purged until an administrator has looked.
CREATE TABLE alarms (
    tenant BLOB NOT NULL,
    connection BLOB NOT NULL,
    raised BIGINT NOT NULL,
    leavers BIGINT NOT NULL,
    users BIGINT NOT NULL,
    ended BIGINT,
    PRIMARY KEY (tenant, connection)
);

-- Persons who sign in. The password is an argon2id hash; the secret of the one-time codes is encrypted.
CREATE TABLE administrators (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- JSON list of profile ids; null is all.
    profiles TEXT,
    password TEXT,
    totp BLOB,
    -- The last time step whose code was taken: none is taken twice.
    totp_step BIGINT,
    -- JSON list of hashes.
    recovery TEXT NOT NULL,
    invitation BLOB,
    invitation_ends BIGINT,
    created BIGINT NOT NULL,
    last_seen BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX administrators_email ON administrators (tenant, email_key);
CREATE UNIQUE INDEX administrators_invitation ON administrators (invitation) WHERE invitation IS NOT NULL;

CREATE TABLE sessions (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    administrator BLOB NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    csrf TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX sessions_administrator ON sessions (tenant, administrator, id);

-- Lists of users by profile, and by a status that few have.
CREATE INDEX users_profile ON users (tenant, profile, id) WHERE profile IS NOT NULL;
CREATE INDEX users_not_active ON users (tenant, status, id) WHERE status <> 'active';
INSERT INTO tallies (tenant, kind, id, shard, value)
    SELECT tenant, 'all', id, 0, (SELECT count(*) FROM users WHERE users.tenant = tenants.tenant)
    FROM (SELECT DISTINCT tenant, id FROM tallies WHERE kind = 'active') AS tenants;
INSERT INTO tallies (tenant, kind, id, shard, value)
    SELECT tenant, 'active-of', connection, 0, count(*) FROM users
    WHERE status = 'active' AND connection IS NOT NULL GROUP BY tenant, connection;

-- Events that a consumer has done its part for.
CREATE TABLE acknowledgements (
    tenant BLOB NOT NULL,
    seq BIGINT NOT NULL,
    consumer TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, seq, consumer)
);
