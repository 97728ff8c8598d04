//! Traces for OpenTelemetry: every request as a span, sent to a collector by OTLP over HTTP. They hold no personal data: a
//! span has the route with its parameters in braces, and the request's number, which leads to log lines and events.

use std::collections::HashMap;
use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode};
use directory::Timestamp;
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, propagation::TextMapPropagator as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use uuid::Uuid;

use crate::Error;

/// What a collector's address ends with (OTLP 1.0, section OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// Where spans go.
#[derive(Clone)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// An answered request.
pub(crate) struct Answered<'r> {
    pub(crate) id: Uuid,
    /// The path with its parameters in braces.
    pub(crate) route: &'r str,
    pub(crate) method: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) begun: Timestamp,
    pub(crate) ended: Timestamp,
    /// The trace that it belongs to.
    pub(crate) within: Context,
}

impl Traces {
    /// To the collector at `endpoint`, such as `http://127.0.0.1:4318`.
    ///
    /// # Errors
    /// [`Error::Traces`] for an address that is none.
    pub(crate) fn to(endpoint: &str) -> Result<Self, Error> {
        // An address may be https.
        drop(rustls::crypto::ring::default_provider().install_default());
        let whole = endpoint.trim_end_matches('/');
        let whole = if whole.ends_with(PATH) {
            whole.to_owned()
        } else {
            format!("{whole}{PATH}")
        };
        let exporter = SpanExporter::builder().with_http().with_endpoint(whole).build();
        let exporter = exporter.map_err(|reason| Error::Traces {
            endpoint: endpoint.to_owned(),
            reason: reason.to_string(),
        })?;
        let resource = Resource::builder()
            .with_service_name("provost")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("provost");
        Ok(Self { provider, tracer })
    }

    /// Notes an answer; it is sent beside the requests.
    pub(crate) fn note(&self, answered: Answered<'_>) {
        let Answered {
            id,
            route,
            method,
            status,
            ..
        } = answered;
        let mut span = self
            .tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_start_time(system_time(answered.begun))
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
                KeyValue::new("provost.request_id", id.to_string()),
            ])
            .start_with_context(&self.tracer, &answered.within);
        // What a client did wrong is no fault of the server (OpenTelemetry's conventions for HTTP spans).
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(system_time(answered.ended));
    }

    /// Sends what is left.
    pub(crate) async fn finish(self) {
        let sent = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "the last traces did not reach the collector");
        }
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + at.as_duration().unsigned_abs()
}

/// The trace that a request says it belongs to (W3C Trace Context).
pub(crate) fn trace_of(headers: &HeaderMap) -> Context {
    let said: HashMap<_, _> = ["traceparent", "tracestate"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
        .collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &said)
}
