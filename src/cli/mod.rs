//! The command line, as clap reads it; help, errors and completions fall out of it.

mod people;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use serde::Serialize;

pub(crate) use people::*;
pub(crate) use settings::*;

/// A self-hosted SCIM 2.0 user-provisioning server.
#[derive(Debug, Parser)]
#[command(name = "provost", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Configuration file [default: provost.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The tenant
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    pub(crate) tenant: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the data are.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Place {
    /// Folder for what Provost keeps on this machine [default: ./provost-data]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    /// Database, such as sqlite:provost.db [default: provost.db in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// What is logged: error, warn, info, debug, or a filter [default: warn]
    #[arg(long, global = true, value_name = "LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl Place {
    /// The flags that lead another command to the same place, each with a blank before it.
    pub(crate) fn flags(&self) -> String {
        let flag = |name: &str, value: Option<String>| match value {
            Some(value) if value.contains(char::is_whitespace) => format!(" --{name} '{value}'"),
            Some(value) => format!(" --{name} {value}"),
            None => String::new(),
        };
        let data = self.data.as_ref().map(|data| data.display().to_string());
        flag("data", data) + &flag("database", self.database.clone())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(Serve),
    /// Customer organisations
    #[command(subcommand)]
    Tenant(Tenant),
    /// App integrations in identity providers
    #[command(subcommand)]
    Connection(Connection),
    /// Named sets of settings for users
    #[command(subcommand)]
    Profile(Profile),
    /// Named places where users' data live
    #[command(subcommand)]
    Storage(Storage),
    /// Ordered rules that place users
    #[command(subcommand)]
    Mapping(Mapping),
    /// Custom attributes that are stored and returned
    #[command(subcommand)]
    Attribute(Attribute),
    /// Bearer tokens of connections
    #[command(subcommand)]
    Token(Token),
    /// Keys of the management API, for programs
    #[command(subcommand)]
    Key(Key),
    /// Persons who sign in
    #[command(subcommand)]
    Admin(Admin),
    /// The people
    #[command(subcommand)]
    User(User),
    /// Reports, for people, as CSV or as JSON
    Report(Report),
    /// Play an identity provider against a SCIM server
    Simulate(Simulate),
    /// Write all that the directory holds into a new file, while the server goes on
    Backup {
        /// The file; one that is there is not written over
        file: PathBuf,
    },
    /// Make a new database of a backup, of SQLite or PostgreSQL whatever it was. Cursors of the event feed are void then
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Check the configuration, the database and the settings
    Doctor,
    /// Print the management API's description (`OpenAPI` 3.1)
    Openapi,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// The address that identity providers reach it under, such as <https://provost.example.com>
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    /// TLS certificate chain, a PEM file
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    /// TLS private key, a PEM file
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
    /// Proxies whose X-Forwarded-Host and X-Forwarded-Proto are taken, such as 10.0.0.0/8
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_proxies: Option<Vec<ipnet::IpNet>>,
}
