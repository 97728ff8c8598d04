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
