//! Numbers for Prometheus, on a listener of their own: requests, batches, queues, tokens. They hold no personal data: routes
//! stand for paths, and connections and tenants are named as administrators named them.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use directory::{Timestamp, Token, TokenState};
use metrics::{Label, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use store::counts::{self, Count};

use crate::app::App;
use crate::clock;

/// Bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// How often what was measured is summed up.
const UPKEEP: Duration = Duration::from_secs(5);
/// What the exposition format is called.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is counted on this node.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // The bounds are not empty, which is all that could be wrong with them.
        let recorder = builder.set_buckets(&BUCKETS).unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// Counts an answer; `route` is the path with its parameters in braces.
    pub(crate) fn answered(&self, route: &str, method: &'static str, status: StatusCode, took: Duration) {
        let labels = vec![
            Label::new("route", route.to_owned()),
            Label::new("method", method),
            Label::new("status", status.as_str().to_owned()),
        ];
        with_local_recorder(&self.recorder, || {
            histogram!("provost_request_seconds", labels[..2].to_vec()).record(took.as_secs_f64());
            counter!("provost_requests_total", labels).increment(1);
        });
    }

    fn set(&self, name: &'static str, labels: Vec<Label>, value: f64) {
        with_local_recorder(&self.recorder, || gauge!(name, labels).set(value));
    }

    fn count(&self, name: &'static str, value: u64) {
        with_local_recorder(&self.recorder, || counter!(name).absolute(value));
    }
}

/// Sums up what was measured, also where nobody looks: it would grow otherwise.
pub(crate) async fn keep_small(app: &App) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        if let Some(metrics) = app.metrics() {
            metrics.handle.run_upkeep();
        }
    }
}

/// `GET /metrics`
pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .with_state(app.clone())
}

async fn render(State(app): State<App>) -> Response {
    let Some(metrics) = app.metrics() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let pulse = app.store.pulse();
    metrics.set("provost_writes_waiting", Vec::new(), as_float(pulse.waiting));
    metrics.count("provost_write_batches_total", pulse.batches);
    metrics.count("provost_writes_total", pulse.done);
    let (waiting, dropped) = app.recorder().queue();
    metrics.set("provost_exchanges_waiting", Vec::new(), as_float(waiting));
    metrics.count("provost_exchanges_dropped_total", dropped);
    let up = match look(&app, metrics).await {
        Ok(()) => 1.0,
        Err(error) => {
            tracing::warn!(%error, "could not look at the database for the metrics");
            0.0
        }
    };
    metrics.set("provost_database_up", Vec::new(), up);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.handle.render()).into_response()
}

/// What the database says: how many are active, and for how long tokens are good.
async fn look(app: &App, metrics: &Metrics) -> Result<(), service::Error> {
    let now = clock::now();
    for tenant in app.store.look(store::settings::tenants).await? {
        let id = tenant.id;
        let looked = app.store.look(move |tx| {
            let active = counts::get(tx, Count::active(id))?;
            let tokens = store::tokens::all(tx, id)?;
            Ok::<_, service::Error>((active, tokens, service::settings::all(tx, id)?))
        });
        let (active, tokens, settings) = looked.await?;
        let of_tenant = Label::new("tenant", tenant.name.to_string());
        metrics.set("provost_active_users", vec![of_tenant.clone()], as_float(active));
        for connection in &settings.connections {
            let labels = vec![
                of_tenant.clone(),
                Label::new("connection", connection.name.to_string()),
            ];
            let is_live =
                |token: &&Token| token.connection == connection.id && token.state(now) == TokenState::Live;
            let ends = tokens.iter().filter(is_live).map(|token| token.expires).max();
            metrics.set("provost_token_days_left", labels, days_left(ends, now));
        }
    }
    Ok(())
}

/// Days until `ends`; 0 where there is no live token.
fn days_left(ends: Option<Timestamp>, now: Timestamp) -> f64 {
    ends.map_or(0.0, |ends| ends.duration_since(now).as_secs_f64() / 86_400.0)
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn as_float(count: u64) -> f64 {
    count as f64
}
