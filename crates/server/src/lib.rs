//! Everything asynchronous: HTTP, TLS, and the work that goes on beside requests.
//!
//! A handler extracts, calls one service function and renders. Whatever goes wrong, a client gets an answer of the
//! protocol that it speaks.

mod access;
mod app;
pub mod clock;
mod console;
mod exchange;
mod limits;
mod manage;
mod metrics;
mod ops;
mod passwords;
mod path;
mod recorder;
mod request;
mod rows;
mod scim;
mod tls;
mod traces;
mod vault;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use axum::ServiceExt;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum_server::{Handle, accept::NoDelayAcceptor, tls_rustls::RustlsAcceptor};
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use store::Store;
use tower::{Layer, util::MapRequestLayer};

use app::App;
pub use app::BASE_PATH;
pub use console::{PAGES as CONSOLE_PAGES, PATH as CONSOLE_PATH};
pub use manage::openapi::document as openapi;
pub use tls::Tls;
use traces::Traces;
pub use vault::{BadKey, Vault};

/// How long a client may take for a request's headers.
const HEADERS: Duration = Duration::from_secs(15);
/// How long requests under way have to finish when the server stops.
const GRACE: Duration = Duration::from_secs(15);

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address that clients know, such as `https://provost.example.com`; without it, what the request says.
    pub public_url: Option<String>,
    /// Proxies whose word about host and scheme is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate chain and private key, PEM files; without them it is plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// What is kept of requests.
    pub log: ProvisioningLog,
    /// Where numbers for Prometheus are served, in plain HTTP; nowhere without one.
    pub metrics: Option<SocketAddr>,
    /// The collector that traces are sent to by OTLP, such as `http://127.0.0.1:4318`; nowhere without one.
    pub traces: Option<String>,
    /// What encrypts secrets that must be readable again; without one nobody can have one-time codes.
    pub vault: Option<Vault>,
}

/// Whether what identity providers send is kept for the administrator to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProvisioningLog {
    /// It is, without secrets.
    #[default]
    Kept,
    /// Nothing is; not even how many requests there were.
    None,
}

/// Why a server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else has the port, or it may not be had.
    #[error("cannot listen on {address}: {reason}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        reason: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use the TLS certificate {certificate} with the key {key}: {reason}")]
    Tls {
        /// Path.
        certificate: String,
        /// Path.
        key: String,
        /// What is wrong.
        reason: io::Error,
    },
    /// Somebody else has the port for the numbers, or it may not be had.
    #[error("cannot listen on {address} for Prometheus: {reason}; choose another with metrics_listen")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        reason: io::Error,
    },
    /// There can be no collector under this address.
    #[error("cannot send traces to {endpoint}: {reason}; otlp_endpoint is such as http://127.0.0.1:4318")]
    Traces {
        /// What was configured.
        endpoint: String,
        /// The exporter's words.
        reason: String,
    },
    /// The listener broke.
    #[error("the server stopped: {0}")]
    Serve(io::Error),
}

/// A server that has its port and does not serve yet.
pub struct Server {
    app: App,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    address: SocketAddr,
    tls: Option<Tls>,
    handle: Handle<SocketAddr>,
}

/// Stops a server, or makes it read its certificate again.
#[derive(Clone)]
pub struct Control {
    handle: Handle<SocketAddr>,
    tls: Option<Tls>,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// [`Error::Listen`], [`Error::Tls`], [`Error::Metrics`], [`Error::Traces`].
    pub async fn bind(store: Store, listen: SocketAddr, options: Options) -> Result<Self, Error> {
        let refused = |reason| Error::Listen {
            address: listen,
            reason,
        };
        let tls = match options.tls.clone() {
            Some((certificate, key)) => Some(Tls::read(certificate, key).await?),
            None => None,
        };
        let listener = TcpListener::bind(listen).map_err(refused)?;
        let metrics = match options.metrics {
            Some(address) => {
                let refused = |reason| Error::Metrics { address, reason };
                let listener = TcpListener::bind(address).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                Some(listener)
            }
            None => None,
        };
        let address = listener.local_addr().map_err(refused)?;
        let traces = options.traces.as_deref().map(Traces::to).transpose()?;
        let app = App::new(store, options, traces, address);
        Ok(Self {
            app,
            listener,
            metrics,
            address,
            tls,
            handle: Handle::new(),
        })
    }

    /// Where it listens; the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the numbers are; the real port where 0 was asked for.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// The SCIM base URL that an administrator pastes into an identity provider.
    pub fn scim_base(&self) -> String {
        format!("{}{BASE_PATH}", self.app.public_url())
    }

    /// The address of the console, where administrators sign in.
    pub fn console_url(&self) -> String {
        format!("{}{CONSOLE_PATH}/", self.app.public_url())
    }

    /// What stops it from elsewhere.
    pub fn control(&self) -> Control {
        Control {
            handle: self.handle.clone(),
            tls: self.tls.clone(),
        }
    }

    /// Serves until it is stopped: no new connections then, and requests under way finish.
    ///
    /// # Errors
    /// [`Error::Serve`].
    pub async fn run(self) -> Result<(), Error> {
        let router = scim::router(&self.app)
            .merge(manage::router(&self.app))
            .merge(console::router(&self.app))
            .merge(ops::router(&self.app))
            .layer(from_fn_with_state(self.app.clone(), request::number));
        let service = MapRequestLayer::new(path::normalise::<Incoming>).layer(router);
        let make_service =
            ServiceExt::<Request<Incoming>>::into_make_service_with_connect_info::<SocketAddr>(service);
        let recorder = self.app.recorder().clone();
        let scribe = recorder.start(self.app.store.clone()).map_err(Error::Serve)?;
        let numbers = match self.metrics {
            Some(listener) => {
                let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Serve)?;
                let router = metrics::router(&self.app);
                let app = self.app.clone();
                Some(tokio::spawn(async move {
                    tokio::select! {
                        served = async { axum::serve(listener, router).await } => served,
                        () = metrics::keep_small(&app) => Ok(()),
                    }
                }))
            }
            None => None,
        };
        let worker = tokio::spawn(worker::run(self.app.clone()));
        let indexer = tokio::spawn(worker::index_names(self.app.clone()));
        let mut server = axum_server::from_tcp(self.listener)
            .map_err(Error::Serve)?
            .handle(self.handle)
            .first_request_timeout(HEADERS)
            .acceptor(NoDelayAcceptor);
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS);
        let outcome = match self.tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls.config()).acceptor(NoDelayAcceptor);
                server.acceptor(acceptor).serve(make_service).await
            }
            None => server.serve(make_service).await,
        };
        if let Some(numbers) = numbers {
            numbers.abort();
        }
        worker.abort();
        indexer.abort();
        worker::flush(&self.app).await;
        recorder.stop();
        if let Some(scribe) = scribe {
            drop(tokio::task::spawn_blocking(move || scribe.join()).await);
        }
        if let Some(traces) = self.app.traces().cloned() {
            traces.finish().await;
        }
        outcome.map_err(Error::Serve)
    }
}

impl Control {
    /// Stops the server cleanly.
    pub fn stop(&self) {
        self.handle.graceful_shutdown(Some(GRACE));
    }

    /// Reads certificate and key again; connections that are open keep the old ones.
    ///
    /// # Errors
    /// [`Error::Tls`]; the old certificate then stays in use.
    pub async fn reload(&self) -> Result<(), Error> {
        match &self.tls {
            Some(tls) => tls.reload().await,
            None => Ok(()),
        }
    }
}
