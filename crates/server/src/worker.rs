//! Work beside requests: writing down when tokens were last taken.

use std::time::Duration;

use crate::app::App;

const EVERY: Duration = Duration::from_secs(10);

pub(crate) async fn run(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        flush(&app).await;
    }
}

/// Writes down what has gathered.
pub(crate) async fn flush(app: &App) {
    let uses = app.take_uses();
    if uses.is_empty() {
        return;
    }
    let written = app.store.write(move |tx| {
        uses.iter()
            .try_for_each(|(&token, &(tenant, at))| store::tokens::used(tx, tenant, token, at))
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "could not note when tokens were last used");
    }
}
