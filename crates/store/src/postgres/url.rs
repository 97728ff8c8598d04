//! `postgres://user:password@host:port,host:port/database?...`, as libpq has it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A PostgreSQL database, with one or several hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// One for each host, in the order in which they are tried.
    pub(super) configs: Vec<Config>,
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
        let query = kept.join("&");
        let configs: Result<Vec<Config>, _> = each_host(place)
            .iter()
            .map(|place| format!("{place}?{query}").parse())
            .collect();
        let mut configs = configs.map_err(|_| {
            "this is no PostgreSQL address; write postgres://USER:PASSWORD@HOST:5432/DATABASE, with %40 for a @ in the password"
                .to_owned()
        })?;
        if configs.iter().any(|config| config.get_hosts().is_empty()) {
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
        for config in &mut configs {
            config
                .ssl_mode(ssl)
                .application_name("provost")
                .target_session_attrs(TargetSessionAttrs::ReadWrite)
                .keepalives_idle(Duration::from_secs(30))
                .keepalives_interval(Duration::from_secs(5))
                .keepalives_retries(3)
                .tcp_user_timeout(Duration::from_secs(15));
        }
        Ok(Self { configs, trust })
    }
}

/// The address once for each of its hosts.
fn each_host(place: &str) -> Vec<String> {
    let Some((scheme, rest)) = place.split_once("://") else {
        return vec![place.to_owned()];
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let at = if user.is_empty() { "" } else { "@" };
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{user}{at}{host}/{path}"))
        .collect()
}

/// Without the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |config: &Config| {
            let port = config.get_ports().first().copied().unwrap_or(5432);
            match config.get_hosts().first() {
                Some(Host::Tcp(name)) => format!("{name}:{port}"),
                Some(Host::Unix(path)) => format!("{}:{port}", path.display()),
                None => String::new(),
            }
        };
        let hosts: Vec<_> = self.configs.iter().map(host).collect();
        let first = self.configs.first();
        let user = first.and_then(Config::get_user).map(|user| format!("{user}@"));
        write!(
            f,
            "postgres://{}{}/{}",
            user.unwrap_or_default(),
            hosts.join(","),
            first.and_then(Config::get_dbname).unwrap_or_default()
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
            (url.configs[0].get_ssl_mode(), url.trust)
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
