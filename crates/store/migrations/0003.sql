-- Groups, and who belongs to them. A membership is a row of its own, so that one more member of many costs what one of few
-- does.
CREATE TABLE user_groups (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    name_key TEXT NOT NULL,
    external_id TEXT,
    attributes TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX user_groups_name ON user_groups (tenant, connection, name_key);
CREATE INDEX user_groups_external_id ON user_groups (tenant, connection, external_id, id)
    WHERE external_id IS NOT NULL;
CREATE INDEX user_groups_page ON user_groups (tenant, connection, id);

CREATE TABLE memberships (
    tenant BLOB NOT NULL,
    group_id BLOB NOT NULL,
    member BLOB NOT NULL,
    -- 1 where the member is a group.
    is_group SMALLINT NOT NULL,
    PRIMARY KEY (tenant, group_id, member)
);
CREATE INDEX memberships_member ON memberships (tenant, member, group_id);

-- Whether the user was ever put into a group: who was not needs no look for groups.
ALTER TABLE users ADD COLUMN in_groups SMALLINT NOT NULL DEFAULT 0;
