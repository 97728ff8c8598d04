-- The provisioning log: what identity providers sent and were answered. On SQLite it is a file of its own, so that writing it
-- holds up no commit.
CREATE TABLE exchanges (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    user_id BLOB,
    user_name TEXT,
    status BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX exchanges_user ON exchanges (tenant, user_id, id) WHERE user_id IS NOT NULL;
-- Requests about somebody who is no user, so that they are found when the person who became one is purged.
CREATE INDEX exchanges_user_name ON exchanges (tenant, user_name, id) WHERE user_name IS NOT NULL;
CREATE INDEX exchanges_refused ON exchanges (tenant, id) WHERE status >= 400;

-- People whom a refusal keeps out, each until a later request goes through. The subject is a folded userName or a user's id.
CREATE TABLE refused_people (
    tenant BLOB NOT NULL,
    connection BLOB NOT NULL,
    subject TEXT NOT NULL,
    id BLOB NOT NULL,
    user_id BLOB,
    user_name TEXT NOT NULL,
    since BIGINT NOT NULL,
    last BIGINT NOT NULL,
    times BIGINT NOT NULL,
    exchange BLOB NOT NULL,
    status BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, subject)
);
CREATE INDEX refused_people_last ON refused_people (tenant, last);
CREATE UNIQUE INDEX refused_people_id ON refused_people (tenant, id);

-- Requests by connection and hour (hours since 1970), those too of which nothing else is kept.
CREATE TABLE traffic (
    tenant BLOB NOT NULL,
    connection BLOB NOT NULL,
    hour BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    last BIGINT NOT NULL,
    agent TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, hour)
);

CREATE TABLE log_state (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO log_state (name, value) VALUES ('dropped', 0), ('forgotten', 0), ('forgotten_again', 0);
