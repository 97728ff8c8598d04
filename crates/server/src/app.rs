//! What all handlers share.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use directory::{TenantId, Timestamp, TokenId};
use ipnet::IpNet;
use store::Store;

use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::traces::Traces;
use crate::{Options, Vault};

/// Where SCIM is, below the public URL.
pub const BASE_PATH: &str = "/scim/v2";

/// The server's state; clones share it.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    shared: Arc<Shared>,
}

struct Shared {
    public_url: Option<String>,
    trusted_proxies: Vec<IpNet>,
    scheme: &'static str,
    address: SocketAddr,
    recorder: Recorder,
    limits: Limits,
    metrics: Option<Metrics>,
    traces: Option<Traces>,
    vault: Option<Vault>,
    /// Tokens that were taken since this was last written down: that is not worth a transaction a request.
    used: Mutex<HashMap<TokenId, (TenantId, Timestamp)>>,
}

impl App {
    /// What serves at `address` as `options` say.
    pub(crate) fn new(store: Store, options: Options, traces: Option<Traces>, address: SocketAddr) -> Self {
        let public_url = options.public_url.map(|url| url.trim_end_matches('/').to_owned());
        Self {
            store,
            shared: Arc::new(Shared {
                public_url,
                trusted_proxies: options.trusted_proxies,
                scheme: if options.tls.is_some() { "https" } else { "http" },
                address,
                recorder: Recorder::new(options.log),
                limits: Limits::new(),
                metrics: options.metrics.map(|_| Metrics::new()),
                traces,
                vault: options.vault,
                used: Mutex::default(),
            }),
        }
    }

    /// The address that people are told.
    pub(crate) fn public_url(&self) -> String {
        let shared = &self.shared;
        shared
            .public_url
            .clone()
            .unwrap_or_else(|| format!("{}://{}", shared.scheme, shared.address))
    }

    /// The SCIM base URL as this client knows it: configured, else by the request's `Host`, else by the address. A
    /// proxy's word counts only if it is trusted.
    pub(crate) fn base(&self, headers: &HeaderMap, uri: &Uri, peer: Option<IpAddr>) -> String {
        let shared = &self.shared;
        if let Some(url) = &shared.public_url {
            return format!("{url}{BASE_PATH}");
        }
        let is_trusted =
            peer.is_some_and(|peer| shared.trusted_proxies.iter().any(|net| net.contains(&peer)));
        let said = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .filter(|_| is_trusted)
        };
        let scheme = said("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"));
        let host = said("x-forwarded-host")
            .or_else(|| headers.get("host").and_then(|host| host.to_str().ok()))
            .or_else(|| uri.authority().map(Authority::as_str));
        let is_host = |host: &&str| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
        };
        match host.filter(is_host) {
            Some(host) => format!("{}://{host}{BASE_PATH}", scheme.unwrap_or(shared.scheme)),
            None => format!("{}{BASE_PATH}", self.public_url()),
        }
    }

    /// How often somebody may ask.
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The address that a request comes from: what a trusted proxy says, else the peer's. Of several in
    /// `X-Forwarded-For` the last that is no trusted proxy's, since anybody may have written those before it.
    pub(crate) fn address(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let proxies = &self.shared.trusted_proxies;
        let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
        if !peer.as_ref().is_some_and(is_proxy) {
            return peer;
        }
        let said = headers.get_all("x-forwarded-for").into_iter();
        let said = said
            .filter_map(|header| header.to_str().ok())
            .flat_map(|text| text.split(','));
        let said: Vec<IpAddr> = said.filter_map(|text| text.trim().parse().ok()).collect();
        said.into_iter().rev().find(|address| !is_proxy(address)).or(peer)
    }

    /// What encrypts secrets that must be readable again.
    pub(crate) fn vault(&self) -> Option<&Vault> {
        self.shared.vault.as_ref()
    }

    /// Whether the one who asks reaches it by HTTPS, also where a trusted proxy says so.
    pub(crate) fn is_https(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
        let proxies = &self.shared.trusted_proxies;
        let is_trusted = peer.is_some_and(|peer| proxies.iter().any(|net| net.contains(&peer)));
        let said = headers.get("x-forwarded-proto").filter(|_| is_trusted);
        self.public_url().starts_with("https://") || said.is_some_and(|said| said == "https")
    }

    /// What is counted, if anybody looks at it.
    pub(crate) fn traces(&self) -> Option<&Traces> {
        self.shared.traces.as_ref()
    }

    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.shared.metrics.as_ref()
    }

    /// What writes the provisioning log.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// Notes that a token was taken.
    pub(crate) fn note_use(&self, tenant: TenantId, token: TokenId, at: Timestamp) {
        self.shared
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token, (tenant, at));
    }

    /// The tokens that were taken since the last call.
    pub(crate) fn take_uses(&self) -> HashMap<TokenId, (TenantId, Timestamp)> {
        std::mem::take(&mut self.shared.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
