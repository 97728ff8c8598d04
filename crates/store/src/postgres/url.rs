//! `postgres://user:password@host:port,host:port/database?...`, as libpq has it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A PostgreSQL database, with one or several hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub(super) config: Box<Config>,
    pub(super) trust: Trust,
}

/// Whose certificate is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Anybody's: the connection is encrypted, and that is all (`prefer`, `require`).
    Anybody,
    /// One that an authority of this system signed, for this host (`verify-full`).
    System,
    /// One that an authority in this PEM file signed, for this host (`sslrootcert`).
    File(PathBuf),
}

impl FromStr for PostgresUrl {
    type Err = String;

    /// The text may hold a password, so no error repeats it.
    fn from_str(text: &str) -> Result<Self, String> {
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut kept, mut mode, mut root) = (Vec::new(), None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
                _ => kept.push(pair),
            }
        }
        let url = format!("{place}?{}", kept.join("&"));
        let mut config: Config = url.parse().map_err(|_| {
            "this is no PostgreSQL address; write postgres://USER:PASSWORD@HOST:5432/DATABASE, with %40 for a @ in the password"
                .to_owned()
        })?;
        if config.get_hosts().is_empty() {
            return Err("the PostgreSQL address names no host".to_owned());
        }
        let (ssl, trust) = match (mode.as_deref(), root) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Anybody),
            (None | Some("prefer" | "allow"), None) => (SslMode::Prefer, Trust::Anybody),
            (Some("require"), None) => (SslMode::Require, Trust::Anybody),
            (Some("verify-ca" | "verify-full"), None) => (SslMode::Require, Trust::System),
            (Some("prefer" | "allow" | "require" | "verify-ca" | "verify-full") | None, Some(file)) => {
                (SslMode::Require, Trust::File(file))
            }
            (Some(_), _) => {
                return Err("sslmode is none of disable, prefer, require, verify-ca, verify-full".to_owned());
            }
        };
        config
            .ssl_mode(ssl)
            .application_name("provost")
            .connect_timeout(CONNECT)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(15));
        Ok(Self {
            config: Box::new(config),
            trust,
        })
    }
}

/// Without the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        let host = |(at, host): (usize, &Host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        };
        let hosts: Vec<_> = self.config.get_hosts().iter().enumerate().map(host).collect();
        let user = self.config.get_user().map(|user| format!("{user}@"));
        write!(
            f,
            "postgres://{}{}/{}",
            user.unwrap_or_default(),
            hosts.join(","),
            self.config.get_dbname().unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://ada:s3cret@a:1,b:2/provost?sslmode=require",
            "postgres://ada:s3cret@/provost",
            "postgres://ada:s3cret@a/provost?sslmode=nonsense",
        ] {
            let shown = match text.parse::<PostgresUrl>() {
                Ok(url) => url.to_string(),
                Err(error) => error,
            };
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let url: PostgresUrl = "postgres://ada:s3cret@a:1,b:2/provost".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://ada@a:1,b:2/provost");
    }

    #[test]
    fn what_is_verified_is_as_libpq_has_it() {
        let trust = |query: &str| {
            let url: PostgresUrl = format!("postgres://a@h/d?{query}").parse().unwrap();
            (url.config.get_ssl_mode(), url.trust)
        };
        assert_eq!(trust("sslmode=require"), (SslMode::Require, Trust::Anybody));
        assert_eq!(trust("sslmode=verify-full"), (SslMode::Require, Trust::System));
        assert_eq!(
            trust("sslmode=require&sslrootcert=/ca.pem"),
            (SslMode::Require, Trust::File("/ca.pem".into()))
        );
        assert_eq!(trust("connect_timeout=3"), (SslMode::Prefer, Trust::Anybody));
    }
}
