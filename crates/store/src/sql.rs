//! Statements, parameters and rows as the rest of this crate sees them; the driver's types stay behind this door.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use tokio_postgres::types::{FromSql, Type};

use crate::Error;

/// A statement's text, with parameters written `?1`, `?2`. All of them are constants, so that a test can walk their plans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement(pub(crate) &'static str);

/// Declares statements, and `STATEMENTS` with all of them.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: $crate::sql::Statement = $crate::sql::Statement($text);)*
        /// All statements of this file with their names.
        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, $crate::sql::Statement)] = &[$((stringify!($name), $name),)*];
    };
}
pub(crate) use statements;

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param<'p> {
    Null,
    Integer(i64),
    Text(&'p str),
    Bytes(&'p [u8]),
}

impl rusqlite::types::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(integer) => ToSqlOutput::Owned(Value::Integer(integer)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl From<i64> for Param<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Param<'_> {
    fn from(boolean: bool) -> Self {
        Self::Integer(i64::from(boolean))
    }
}

impl From<jiff::Timestamp> for Param<'_> {
    fn from(at: jiff::Timestamp) -> Self {
        Self::Integer(at.as_millisecond())
    }
}

impl<'p> From<&'p str> for Param<'p> {
    fn from(text: &'p str) -> Self {
        Self::Text(text)
    }
}

impl<'p> From<&'p String> for Param<'p> {
    fn from(text: &'p String) -> Self {
        Self::Text(text)
    }
}

impl<'p, const N: usize> From<&'p [u8; N]> for Param<'p> {
    fn from(bytes: &'p [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Param<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Param::from($value)),*] };
}
pub(crate) use params;

/// The ids of [`MANY`] who are meant, as the parameters from the second on.
macro_rules! many_ids {
    () => {
        "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, \
         ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, \
         ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50, ?51, ?52, ?53, ?54, ?55, ?56, ?57, ?58, ?59, ?60, ?61, ?62, \
         ?63, ?64, ?65"
    };
}
pub(crate) use many_ids;

/// How many ids a statement takes at once.
pub(crate) const MANY: usize = 64;

/// Tenant, ids and what else the statement wants, for each chunk of `ids`; the last one is filled up with its own last id.
pub(crate) fn by_many<'p>(
    tenant: &'p [u8; 16],
    ids: &'p [[u8; 16]],
    more: &[Param<'p>],
    mut run: impl FnMut(&[Param<'p>]) -> Result<(), Error>,
) -> Result<(), Error> {
    for chunk in ids.chunks(MANY) {
        let mut params = vec![Param::from(tenant)];
        params.extend(chunk.iter().map(Param::from));
        params.resize(1 + MANY, chunk.last().map_or(Param::Null, Param::from));
        params.extend_from_slice(more);
        run(&params)?;
    }
    Ok(())
}

/// One row of an answer; columns count from 0.
#[derive(Clone, Copy)]
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(crate) fn text(self, column: usize) -> Result<&'r str, Error> {
        let text = match self {
            Self::Sqlite(row) => row.get_ref(column)?.as_str().ok(),
            Self::Postgres(row) => row.try_get(column).ok(),
        };
        text.ok_or(Error::Unreadable { what: "text" })
    }

    pub(crate) fn integer(self, column: usize) -> Result<i64, Error> {
        let integer = match self {
            Self::Sqlite(row) => row.get_ref(column)?.as_i64().ok(),
            Self::Postgres(row) => row.try_get(column).ok(),
        };
        integer.ok_or(Error::Unreadable { what: "number" })
    }

    pub(crate) fn bytes(self, column: usize) -> Result<&'r [u8], Error> {
        let bytes = match self {
            Self::Sqlite(row) => row.get_ref(column)?.as_blob().ok(),
            Self::Postgres(row) => row.try_get(column).ok(),
        };
        bytes.ok_or(Error::Unreadable { what: "id" })
    }

    fn is_null(self, column: usize) -> Result<bool, Error> {
        match self {
            Self::Sqlite(row) => Ok(matches!(row.get_ref(column)?, ValueRef::Null)),
            Self::Postgres(row) => {
                let anything: Option<Anything> = row
                    .try_get(column)
                    .map_err(|_| Error::Unreadable { what: "column" })?;
                Ok(anything.is_none())
            }
        }
    }

    pub(crate) fn time(self, column: usize) -> Result<jiff::Timestamp, Error> {
        jiff::Timestamp::from_millisecond(self.integer(column)?)
            .map_err(|_| Error::Unreadable { what: "time" })
    }

    /// The word at `column`, one of an enum's.
    pub(crate) fn word<T: std::str::FromStr>(self, column: usize) -> Result<T, Error> {
        self.text(column)?
            .parse()
            .map_err(|_| Error::Unreadable { what: "word" })
    }

    /// The id at `column`.
    pub(crate) fn id<T>(self, column: usize, from_bytes: impl Fn(&[u8]) -> Option<T>) -> Result<T, Error> {
        from_bytes(self.bytes(column)?).ok_or(Error::Unreadable { what: "id" })
    }

    /// What `read` finds at `column`, or `None` for a null.
    pub(crate) fn optional<T>(
        self,
        column: usize,
        read: impl FnOnce(Self, usize) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.is_null(column)? {
            Ok(None)
        } else {
            read(self, column).map(Some)
        }
    }
}

/// A value of any type that is there.
struct Anything;

impl FromSql<'_> for Anything {
    fn from_sql(_: &Type, _: &[u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
