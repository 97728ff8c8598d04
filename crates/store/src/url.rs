//! Which database: `sqlite:PATH` or `postgres://...`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::postgres::PostgresUrl;

/// Where the data are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server that several nodes may share.
    Postgres(PostgresUrl),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            Some(("postgres" | "postgresql", _)) => text.parse().map(Self::Postgres),
            // The text may hold a password, so it is not repeated.
            _ => Err(
                "a database is written as sqlite:PATH, such as sqlite:provost.db, or as postgres://USER:PASSWORD@HOST/DATABASE"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}
