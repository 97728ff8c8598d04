-- Lists of users by storage, by the mapping that placed them, by legal hold, and of a connection's deleted ones. The text of a
-- decision begins with the mapping's id.
CREATE INDEX users_storage ON users (tenant, storage, id) WHERE storage IS NOT NULL;
CREATE INDEX users_mapping ON users (tenant, substr(decision, 13, 36), id) WHERE decision IS NOT NULL;
CREATE INDEX users_legal_hold ON users (tenant, id) WHERE legal_hold = 1;
CREATE INDEX users_deleted ON users (tenant, connection, id) WHERE visible = 0;

-- How many users there were at the end of an hour (hours since 1970), and what became of users in it. It follows the events,
-- beside the commits.
CREATE TABLE census (
    tenant BLOB NOT NULL,
    hour BIGINT NOT NULL,
    active BIGINT,
    held BIGINT,
    preserved BIGINT,
    joined BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    purged BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour)
);
INSERT INTO meta (name, value) VALUES ('census_progress', 0);

-- One tenant's events, newest first, beside a busy tenant's.
CREATE INDEX events_tenant ON events (tenant, seq);
