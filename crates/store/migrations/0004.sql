-- Users whose groups changed and about whom the mappings have yet to decide again. A row goes when that is done, unless
-- another round was asked for meanwhile.
CREATE TABLE decisions_due (
    tenant BLOB NOT NULL,
    user_id BLOB NOT NULL,
    round BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

-- Held users by what they wait for.
CREATE INDEX users_waiting ON users (tenant, hold, id) WHERE status = 'held';
