//! Exit codes mean something: 0 done, 1 deviations or refused rows, 2 usage, 3 not found, 4 refused by a rule, 5 database
//! unreachable, 6 schema version.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    reason: anyhow::Error,
}

impl Failure {
    /// The arguments or the configuration are not right.
    pub(crate) fn usage(reason: impl fmt::Display) -> Self {
        Self {
            code: 2,
            reason: anyhow::anyhow!("{reason}"),
        }
    }

    /// It ran, and what it looked at is not as it should be.
    pub(crate) fn found(reason: impl fmt::Display) -> Self {
        Self {
            code: 1,
            reason: anyhow::anyhow!("{reason}"),
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.reason)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let code = match error {
            store::Error::NotEmpty { .. } => 4,
            store::Error::Backup { .. } => 1,
            ref other if other.is_schema() => 6,
            _ => 5,
        };
        Self {
            code,
            reason: error.into(),
        }
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        let code = match error {
            service::Error::Store(error) => return error.into(),
            service::Error::Refused(ref refusal) if refusal.is_unknown() => 3,
            service::Error::Refused(ref refusal) if refusal.is_usage() => 2,
            service::Error::Refused(_) | service::Error::Scim(_) => 4,
        };
        Self {
            code,
            reason: error.into(),
        }
    }
}

impl From<server::Error> for Failure {
    fn from(error: server::Error) -> Self {
        Self {
            code: 1,
            reason: error.into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self {
            code: 1,
            reason: error.into(),
        }
    }
}
