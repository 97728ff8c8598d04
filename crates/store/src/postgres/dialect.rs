//! Where PostgreSQL speaks another SQL than SQLite: this is all of it.

/// A statement with parameters as PostgreSQL writes them: `?1` is `$1`.
pub(super) fn statement(text: &str) -> String {
    text.replace('?', "$")
}

/// What begins a line of a migration that is for PostgreSQL alone.
const POSTGRES_ONLY: &str = "-- postgres: ";

/// A migration with PostgreSQL's types. Text is compared byte by byte: Rust folds case, and the database never does.
pub(super) fn migration(text: &str) -> String {
    let words = text
        .replace(POSTGRES_ONLY, "")
        .replace("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY")
        .replace("SMALLINT", "BIGINT")
        .replace("BLOB", "BYTEA");
    words.replace(" TEXT", " TEXT COLLATE \"C\"")
}
