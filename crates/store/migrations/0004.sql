-- Users whose groups changed and about whom the mappings have yet to decide again. A row goes in the transaction that
-- decides, before it looks; who asks meanwhile waits for that, and asks anew.
CREATE TABLE decisions_due (
    tenant BLOB NOT NULL,
    user_id BLOB NOT NULL,
    asked BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

-- When the mappings last judged a request that carried the whole person; only for who is held.
ALTER TABLE users ADD COLUMN judged BIGINT;

-- Held users by what they wait for.
DROP INDEX users_held;
CREATE INDEX users_waiting ON users (tenant, hold, id) WHERE status = 'held';

-- Names and addresses as they are searched, written beside the commits that change them. SQLite has them in a file of its
-- own, since trigrams are another kind of table there. Without fastupdate, since a search reads through whatever was put off.
-- postgres: CREATE TABLE user_search (tenant BLOB NOT NULL, user_id BLOB NOT NULL, body TEXT NOT NULL, PRIMARY KEY (tenant, user_id));
-- postgres: INSERT INTO meta (name, value) VALUES ('search_progress', 0);
-- postgres: DO $$ BEGIN
-- postgres:     CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- postgres:     CREATE INDEX user_search_trigrams ON user_search USING gin (body gin_trgm_ops) WITH (fastupdate = off);
-- postgres: EXCEPTION WHEN OTHERS THEN
-- postgres:     RAISE NOTICE 'searches within names read through all of them: %', SQLERRM;
-- postgres: END $$;
