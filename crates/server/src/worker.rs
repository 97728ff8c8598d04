//! Work beside requests: writing down when tokens were last taken, and looking whether held users can be active now.

use std::time::Duration;

use directory::{Actor, UserId};
use service::users;

use crate::app::App;
use crate::clock;

/// How often held users are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many rounds go by until the uses of tokens are written down.
const ROUNDS: u32 = 10;

pub(crate) async fn run(app: App) {
    for round in 1_u32.. {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = admit_held(&app).await {
            tracing::warn!(%error, "could not look at held users");
        }
        if round.is_multiple_of(ROUNDS) {
            flush(&app).await;
        }
    }
}

async fn admit_held(app: &App) -> Result<(), service::Error> {
    for tenant in app.store.read(store::settings::tenants)? {
        let ctx = clock::context(Actor::System, tenant.id);
        if !app.store.read(|tx| users::is_anybody_held(tx, &ctx))? {
            continue;
        }
        let mut next = Some(UserId::from(uuid::Uuid::nil()));
        while let Some(after) = next {
            let ctx = ctx.clone();
            next = app.store.write(move |tx| users::admit(tx, &ctx, after)).await?;
        }
    }
    Ok(())
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
