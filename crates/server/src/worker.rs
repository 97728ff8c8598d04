//! Work beside requests: writing down when tokens were last taken, looking whether held users can be active now,
//! and purging those whose date has passed.

use std::time::Duration;

use directory::{Actor, Ctx, UserId};
use service::users;

use crate::app::App;
use crate::clock;

/// How often users are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many rounds go by until the uses of tokens are written down.
const ROUNDS: u32 = 10;

pub(crate) async fn run(app: App) {
    let mut seen = None;
    for round in 1_u32.. {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = look_after_users(&app, &mut seen).await {
            tracing::warn!(%error, "could not look after held and preserved users");
        }
        if round.is_multiple_of(ROUNDS) {
            flush(&app).await;
        }
    }
}

/// `seen` is the number of the last event before the last look: whatever frees a seat or lets a mapping match is one, so
/// where there is none since, nobody who is held can be active now.
async fn look_after_users(app: &App, seen: &mut Option<i64>) -> Result<(), service::Error> {
    let last = Some(app.store.read(store::events::last)?);
    let is_quiet = *seen == last;
    *seen = last;
    for tenant in app.store.read(store::settings::tenants)? {
        let ctx = clock::context(Actor::System, tenant.id);
        // What fails for one tenant must not stop the others.
        let admitted = if is_quiet {
            Ok(())
        } else {
            admit_held(app, &ctx).await
        };
        let looked_after = match admitted {
            Ok(()) => purge_due(app, &ctx).await,
            failed => failed,
        };
        if let Err(error) = looked_after {
            *seen = None;
            tracing::warn!(%error, tenant = %tenant.name, "could not look after held and preserved users");
        }
    }
    Ok(())
}

async fn admit_held(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    if !app.store.read(|tx| users::is_anybody_held(tx, ctx))? {
        return Ok(());
    }
    let mut next = Some(UserId::from(uuid::Uuid::nil()));
    while let Some(after) = next {
        let ctx = ctx.clone();
        next = app.store.write(move |tx| users::admit(tx, &ctx, after)).await?;
    }
    Ok(())
}

async fn purge_due(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    while app.store.read(|tx| users::is_anybody_due(tx, ctx))? {
        let ctx = ctx.clone();
        app.store.write(move |tx| users::purge_due(tx, &ctx)).await?;
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
