//! Configuration: TOML file, environment and flags, from weak to strong. An error names the key and where it came from.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use store::DatabaseUrl;

use crate::exit::Failure;

/// Where the file is looked for if none is named.
const FILE: &str = "provost.toml";

const KEYS: [&str; 13] = [
    "data",
    "database",
    "listen",
    "public_url",
    "tls_cert",
    "tls_key",
    "trusted_proxies",
    "log",
    "provisioning_log",
    "metrics_listen",
    "log_format",
    "otlp_endpoint",
    "secret_key",
];

/// Everything that can be configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The folder for what Provost keeps on this machine.
    pub(crate) data: PathBuf,
    /// Where the data are; by default `provost.db` in the data folder.
    pub(crate) database: Option<String>,
    /// The address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// The address that identity providers reach it under.
    pub(crate) public_url: Option<String>,
    /// Certificate chain, a PEM file.
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key, a PEM file.
    pub(crate) tls_key: Option<PathBuf>,
    /// Proxies whose word about host and scheme is taken.
    #[serde(deserialize_with = "networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `server=debug`.
    pub(crate) log: String,
    /// Whether what identity providers send is kept in the provisioning log.
    pub(crate) provisioning_log: bool,
    /// The address and port on which Prometheus finds numbers; nowhere without one.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// The collector that traces are sent to by OTLP over HTTP; nowhere without one.
    pub(crate) otlp_endpoint: Option<String>,
    /// How lines of the log are written.
    pub(crate) log_format: LogFormat,
    /// What encrypts secrets that must be readable again: 64 hexadecimal digits. A file in the data folder by default.
    pub(crate) secret_key: Option<SecretKey>,
}

/// A key that nothing prints.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretKey(pub(crate) String);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(...)")
    }
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line, for programs.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "provost-data".into(),
            database: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            tls_cert: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            log: "warn".to_owned(),
            provisioning_log: true,
            metrics_listen: None,
            otlp_endpoint: None,
            log_format: LogFormat::Text,
            secret_key: None,
        }
    }
}

impl Config {
    /// Reads the file, the environment and `flags`.
    pub(crate) fn read(file: Option<&Path>, flags: &impl Serialize) -> Result<Self, Failure> {
        if let Some(file) = file.filter(|file| !file.is_file()) {
            return Err(Failure::usage(format!(
                "there is no configuration file {}",
                file.display()
            )));
        }
        let file = file.unwrap_or(Path::new(FILE));
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if file.is_file() {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(Env::prefixed("PROVOST_").only(&KEYS))
            .merge(Serialized::globals(flags))
            .extract()
            .map_err(|error| Failure::usage(explain(&error)))?;
        if config.tls_cert.is_some() != config.tls_key.is_some() {
            return Err(Failure::usage(
                "tls_cert and tls_key go together: name both files, or neither",
            ));
        }
        if let Some(url) = &config.public_url
            && (!(url.starts_with("https://") || url.starts_with("http://")) || url.contains(['?', '#', ' ']))
        {
            return Err(Failure::usage(format!(
                "public_url must begin with https:// (or http://), and have no query; it is {url:?}"
            )));
        }
        if let Some(url) = &config.otlp_endpoint
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return Err(Failure::usage(format!(
                "otlp_endpoint must begin with http:// or https://, such as http://127.0.0.1:4318; it is {url:?}"
            )));
        }
        Ok(config)
    }

    /// The address of the console, where administrators sign in.
    pub(crate) fn console(&self) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let url = self
            .public_url
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{}", self.listen));
        format!("{}{}/", url.trim_end_matches('/'), server::CONSOLE_PATH)
    }

    /// The database, by default in the data folder.
    pub(crate) fn database(&self) -> Result<DatabaseUrl, Failure> {
        match &self.database {
            Some(url) => url
                .parse()
                .map_err(|reason| Failure::usage(format!("database: {reason}"))),
            None => Ok(DatabaseUrl::Sqlite(self.data.join("provost.db"))),
        }
    }
}

/// A list, or text with commas as a flag and the environment have it.
fn networks<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Written::deserialize(deserializer)? {
        Written::List(texts) => texts,
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    texts
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .map(|text| {
            let network = text
                .parse()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
            network.map_err(|_| {
                serde::de::Error::custom(format!("{text:?} is no network; write one such as 10.0.0.0/8"))
            })
        })
        .collect()
}

fn explain(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let source = error.metadata.as_ref().map(|metadata| match &metadata.source {
        Some(source) => format!(" ({}, {source})", metadata.name),
        None if metadata.name.contains("environment") => {
            format!(" (environment variable PROVOST_{})", key.to_uppercase())
        }
        None => " (command line)".to_owned(),
    });
    let key = if key.is_empty() {
        String::new()
    } else {
        format!("{key}: ")
    };
    format!("{key}{}{}", error.kind, source.unwrap_or_default())
}
