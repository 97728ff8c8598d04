//! Statements, parameters and rows as the rest of this crate sees them; the driver's types stay behind this door.

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};

use crate::Error;

/// A statement's text. All of them are constants, so that a test can walk their plans.
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

impl ToSql for Param<'_> {
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

/// One row of an answer; columns count from 0.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r>(pub(crate) &'r rusqlite::Row<'r>);

impl<'r> Row<'r> {
    fn value(self, column: usize) -> Result<ValueRef<'r>, Error> {
        Ok(self.0.get_ref(column)?)
    }

    pub(crate) fn text(self, column: usize) -> Result<&'r str, Error> {
        self.value(column)?
            .as_str()
            .map_err(|_| Error::Unreadable { what: "text" })
    }

    pub(crate) fn integer(self, column: usize) -> Result<i64, Error> {
        self.value(column)?
            .as_i64()
            .map_err(|_| Error::Unreadable { what: "number" })
    }

    pub(crate) fn bytes(self, column: usize) -> Result<&'r [u8], Error> {
        self.value(column)?
            .as_blob()
            .map_err(|_| Error::Unreadable { what: "id" })
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
        if matches!(self.value(column)?, ValueRef::Null) {
            Ok(None)
        } else {
            read(self, column).map(Some)
        }
    }
}
