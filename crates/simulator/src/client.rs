//! HTTP as identity providers speak it, with an eye on every answer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, USER_AGENT};
use serde_json::Value;

use crate::{Deviation, Error, Plan, Report};

/// Identity providers hang up after this.
const TIME: Duration = Duration::from_mins(1);

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    user_agent: &'static str,
    content_type: &'static str,
    report: Mutex<Report>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `Null` where there is none.
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Error> {
        let is_url = reqwest::Url::parse(&plan.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_url {
            return Err(Error::Url(plan.url.clone()));
        }
        // A second call in one process finds the provider installed; that is the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .timeout(TIME)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &plan.authority {
            let authority = reqwest::Certificate::from_pem(pem).map_err(Error::Client)?;
            builder = builder.tls_certs_merge([authority]);
        }
        let http = builder.build().map_err(Error::Client)?;
        let base = plan.url.trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            base,
            token: plan.token.clone(),
            user_agent: plan.app.user_agent(),
            content_type: plan.app.content_type(),
            report: Mutex::default(),
        })
    }

    /// Whether anybody answers at all.
    pub(crate) async fn reach(&self) -> Result<(), Error> {
        match self.http.get(&self.base).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let mut reason: &dyn std::error::Error = &error;
                while let Some(source) = reason.source() {
                    reason = source;
                }
                Err(Error::Unreachable {
                    url: self.base.clone(),
                    reason: reason.to_string(),
                })
            }
        }
    }

    /// Makes a call as the identity provider makes it; `None`, and a deviation, where no whole answer came.
    pub(crate) async fn send(
        &self,
        call: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Answer> {
        self.send_as(call, method, path, body, &format!("Bearer {}", self.token))
            .await
    }

    /// The same with another `Authorization`.
    pub(crate) async fn send_as(
        &self,
        call: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        authorization: &str,
    ) -> Option<Answer> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, "application/scim+json")
            .header("Accept-Charset", "utf-8")
            .header(AUTHORIZATION, authorization);
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, self.content_type)
                .body(body.to_string());
        }
        let start = now();
        let answer = match request.send().await {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                response.bytes().await.map(|bytes| (status, headers, bytes))
            }
            Err(error) => Err(error),
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match answer {
            Ok((status, headers, bytes)) => {
                self.lock().note(call, status, micros);
                let body = self.read_body(call, path, status, &bytes);
                Some(Answer {
                    status,
                    headers,
                    body,
                })
            }
            Err(error) => {
                self.deviates(call, format!("{path}: no answer: {error}"));
                None
            }
        }
    }

    /// Notes what the identity provider could not work with.
    pub(crate) fn deviates(&self, call: &'static str, what: String) {
        self.lock().deviations.push(Deviation { call, what });
    }

    /// Notes `what` unless `holds`.
    pub(crate) fn expect(&self, call: &'static str, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.deviates(call, what());
        }
    }

    pub(crate) fn report(&self) -> Report {
        self.lock().clone()
    }

    /// Whatever the status, a body must be JSON: an Okta shows its parser's words instead of an error that is not.
    fn read_body(&self, call: &'static str, path: &str, status: u16, bytes: &[u8]) -> Value {
        if bytes.is_empty() {
            return Value::Null;
        }
        let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
            self.deviates(call, format!("{path}: the body of the {status} is no JSON"));
            return Value::Null;
        };
        if status >= 400 {
            let is_error = body["detail"].is_string() && body["status"] == status.to_string().as_str();
            self.expect(call, is_error, || {
                format!("{path}: the {status} is no SCIM error with a detail and a status string")
            });
        }
        body
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "a load generator times what it sends")]
fn now() -> Instant {
    Instant::now()
}
