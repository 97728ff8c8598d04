//! A request and its answer on their way into the provisioning log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use directory::{ConnectionId, GroupId, Settings, TenantId, UserId};

use super::client::peer;
use super::failure::Reason;
use crate::app::App;
use crate::exchange::MAX_READ;
use crate::recorder::Sent;
use crate::{clock, request};

/// What the extractors find out about a request.
#[derive(Clone, Default)]
pub(super) struct Draft(Arc<Mutex<Found>>);

#[derive(Default)]
struct Found {
    caller: Option<(TenantId, ConnectionId, Arc<Settings>)>,
    body: Option<Bytes>,
    body_bytes: Option<u64>,
}

impl Draft {
    /// The token is one of this connection's, live or not.
    pub(super) fn is_by(&self, tenant: TenantId, connection: ConnectionId, settings: &Arc<Settings>) {
        self.lock().caller = Some((tenant, connection, Arc::clone(settings)));
    }

    /// The body has come.
    pub(super) fn has_body(&self, body: &Bytes) {
        let mut found = self.lock();
        found.body_bytes = Some(body.len() as u64);
        // A larger one is not kept, and need not wait with the others.
        found.body = (body.len() <= MAX_READ).then(|| body.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom an answer is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    User(UserId),
    Group(GroupId),
}

/// Hands the exchange to the recorder. Who showed no token of this server's is in no tenant's log.
pub(super) async fn record(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if !app.recorder().is_on() {
        return next.run(request).await;
    }
    let draft = Draft::default();
    request.extensions_mut().insert(draft.clone());
    let id = request::id(request.extensions());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let agent = request.headers().get(header::USER_AGENT).cloned();
    let address = app.address(request.headers(), peer(request.extensions()));
    let at = clock::now();
    let response = next.run(request).await;
    let Found {
        caller,
        body,
        body_bytes,
    } = std::mem::take(&mut *draft.lock());
    let Some((tenant, connection, settings)) = caller else {
        return response;
    };
    let is_read = method == Method::GET || uri.path().ends_with("/.search");
    let status = response.status().as_u16();
    let is_kept = app
        .recorder()
        .count(tenant, connection, at, agent.as_ref(), is_read, status);
    if is_kept {
        let reason = response.extensions().get::<Reason>();
        app.recorder().take(Sent {
            id,
            tenant,
            connection,
            settings,
            at,
            took: clock::now().duration_since(at),
            method,
            uri,
            status,
            address,
            agent,
            about: response.extensions().get::<About>().copied(),
            reason: reason.map(|reason| (reason.detail.clone(), reason.scim_type)),
            body,
            body_bytes,
        });
    }
    response
}
