//! `provost serve`

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use directory::{Actor, TenantId};
use server::{Control, Options, ProvisioningLog, Server};
use store::{DatabaseUrl, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use super::{secret_key, welcome};
use crate::cli::{Common, Serve};
use crate::config::{Config, LogFormat};
use crate::exit::Failure;

/// How long until a database that is away is tried again.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn run(common: &Common, flags: &Serve) -> Result<(), Failure> {
    let config = read(common, flags)?;
    let log = start_log(&config)?;
    make_folder(&config.data)?;
    let store = open(&config.database()?).await?;
    let _claim = store.claim()?;
    let options = Options {
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        tls: config.tls_cert.clone().zip(config.tls_key.clone()),
        log: if config.provisioning_log {
            ProvisioningLog::Kept
        } else {
            ProvisioningLog::None
        },
        metrics: config.metrics_listen,
        traces: config.otlp_endpoint.clone(),
        vault: Some(secret_key::vault(&config)?),
    };
    let server = Server::bind(store.clone(), config.listen, options).await?;
    warn_without_https(&config);
    let signals = Signals::listen()?;
    let obeying = tokio::spawn(signals.obey(server.control(), common.clone(), flags.clone(), log));

    welcome(&store, &server, &config, common).await?;
    let outcome = server.run().await;
    obeying.abort();
    Ok(outcome?)
}

/// Furnishes an empty database, and says how to go on.
async fn welcome(store: &Store, server: &Server, config: &Config, common: &Common) -> Result<(), Failure> {
    let no_randomness = |error| Failure::found(format!("no randomness: {error}"));
    let secret = server::clock::fresh_secret().map_err(no_randomness)?;
    let invitation = server::clock::fresh_invitation().map_err(no_randomness)?;
    let ctx = server::clock::context(Actor::System, TenantId::from(server::clock::fresh_id()));
    let first = welcome::First {
        base: server.scim_base(),
        console: server.console_url(),
        secret: secret.clone(),
        invitation: invitation.clone(),
    };
    let is_first = store
        .write(move |tx| service::first_run::set_up(tx, &ctx, &secret, &invitation))
        .await?;
    if is_first {
        return Ok(first.tell(&config.data, &common.place.flags())?);
    }
    Ok(welcome::again(&server.scim_base(), &server.console_url())?)
}

/// Opens the database; one that is away for now is waited for.
async fn open(url: &DatabaseUrl) -> Result<Store, Failure> {
    let mut said = None;
    loop {
        let reason = match Store::open(url) {
            Ok(store) => {
                warn_of(url, &store)?;
                return Ok(store);
            }
            Err(store::Error::Away { reason }) => reason,
            Err(error) => return Err(error.into()),
        };
        // The same sentence once, and not every second.
        if said.as_ref() != Some(&reason) {
            tracing::error!("{reason}; trying until it is there");
            said = Some(reason);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// What the doctor would say of the server. A file is not read through for it.
fn warn_of(url: &DatabaseUrl, store: &Store) -> Result<(), Failure> {
    if let DatabaseUrl::Postgres(_) = url {
        for finding in store.health()? {
            if let Some(advice) = finding.advice {
                tracing::warn!("the database: {advice}");
            }
        }
    }
    Ok(())
}

fn read(common: &Common, flags: &Serve) -> Result<Config, Failure> {
    #[derive(serde::Serialize)]
    struct Flags<'f> {
        #[serde(flatten)]
        place: &'f crate::cli::Place,
        #[serde(flatten)]
        serve: &'f Serve,
    }
    Config::read(
        common.config.as_deref(),
        &Flags {
            place: &common.place,
            serve: flags,
        },
    )
}

type Log = reload::Handle<EnvFilter, Registry>;

fn start_log(config: &Config) -> Result<Log, Failure> {
    let (filter, handle) = reload::Layer::new(filter(config)?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    Registry::default().with(filter).with(lines).init();
    Ok(handle)
}

fn filter(config: &Config) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(&config.log)
        .map_err(|error| Failure::usage(format!("log: {error}; write error, warn, info or debug")))
}

/// The data folder is for this user alone: it holds people's data, and sometimes a token.
pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|reason| {
        let (database, reason) = (folder.display().to_string(), reason.to_string());
        store::Error::Unreachable {
            database,
            reason: format!("cannot make the data folder: {reason}; choose another with --data"),
        }
        .into()
    })
}

fn warn_without_https(config: &Config) {
    let is_https = config.tls_cert.is_some()
        || config
            .public_url
            .as_deref()
            .is_some_and(|url| url.starts_with("https://"));
    if config
        .public_url
        .as_deref()
        .is_some_and(|url| url.starts_with("http://"))
    {
        eprintln!(
            "provost: warning: --public-url is not https. Okta and Entra ID refuse it, and tokens would travel in the clear."
        );
    } else if !is_https && !config.listen.ip().is_loopback() {
        eprintln!(
            "provost: warning: serving plain HTTP beyond this machine. Use --tls-cert and --tls-key, or a proxy with https."
        );
    }
}

/// What an init system and a terminal send.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// SIGTERM and SIGINT stop cleanly; SIGHUP reads the certificate and the log level again.
    async fn obey(mut self, control: Control, common: Common, flags: Serve, log: Log) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => read_again(&control, &common, &flags, &log).await,
            }
        }
        control.stop();
    }
}

async fn read_again(control: &Control, common: &Common, flags: &Serve, log: &Log) {
    if let Err(error) = control.reload().await {
        tracing::error!(%error, "kept the old certificate");
    }
    let reloaded = read(common, flags)
        .and_then(|config| filter(&config))
        .map_err(|failure| failure.to_string())
        .and_then(|filter| log.reload(filter).map_err(|error| error.to_string()));
    if let Err(reason) = reloaded {
        tracing::error!(reason, "kept the old log level");
    }
}
