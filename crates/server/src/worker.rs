//! Work beside requests: writing down when tokens were last taken, looking whether held users can be active now, deciding
//! about those whose groups changed, purging those whose date has passed, counting who came and went, and indexing names.

use std::time::Duration;

use directory::{Actor, Ctx, UserId, Wait};
use service::users;
use store::leases::{self, Lease};
use uuid::Uuid;

use crate::app::App;
use crate::clock;

/// The lease of the node that looks after users.
const LEASE: &str = "users";
/// The lease of the node that indexes names.
const INDEX_LEASE: &str = "names";
/// Transactions for decisions that are due, for one tenant in one round.
const STRIDES: u32 = 20;
/// How often users are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Seconds between two sweeps of pages that nobody goes on from.
const SWEEP: i64 = 60;
/// How many rounds go by until the uses of tokens are written down.
const ROUNDS: u32 = 10;

pub(crate) async fn run(app: App) {
    let (mut seen, node) = (Seen::default(), clock::fresh_id());
    for round in 1_u32.. {
        tokio::time::sleep(EVERY).await;
        let looked_after = match has_lease(&app, LEASE, node).await {
            Ok(true) => look_after_users(&app, &mut seen).await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = looked_after {
            tracing::warn!(%error, "could not look after held and preserved users");
        }
        if round.is_multiple_of(ROUNDS) {
            app.limits().sweep();
            flush(&app).await;
            follow_census(&app).await;
        }
    }
}

/// Keeps the index of names up to date, beside everything else: it may be behind for long.
pub(crate) async fn index_names(app: App) {
    let node = clock::fresh_id();
    loop {
        tokio::time::sleep(EVERY).await;
        let indexed = match has_lease(&app, INDEX_LEASE, node).await {
            Ok(true) => app.store.index_names().await.map_err(Into::into),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = indexed {
            tracing::warn!(%error, "could not index names; searches read through them");
        }
    }
}

/// Whether this node is the one that looks after users.
async fn has_lease(app: &App, name: &'static str, node: Uuid) -> Result<bool, service::Error> {
    let now = clock::now();
    match app
        .store
        .look(move |tx| leases::look(tx, name, node, now))
        .await?
    {
        Lease::Held => Ok(true),
        Lease::Elsewhere => Ok(false),
        Lease::Free => Ok(app
            .store
            .write(move |tx| leases::take(tx, name, node, now))
            .await?),
    }
}

/// What there was at the last look: whatever frees a seat is an event, and whatever lets a mapping match a new generation of
/// settings, so where there is none since, nobody who waits for it can be active now. Who joins a group is decided about
/// for that.
#[derive(Default)]
struct Seen {
    event: Option<i64>,
    generation: Option<i64>,
    /// When what is over was last swept, in seconds since 1970.
    swept: i64,
}

async fn look_after_users(app: &App, seen: &mut Seen) -> Result<(), service::Error> {
    let now = clock::now();
    if now.as_second() - seen.swept >= SWEEP {
        app.store
            .write(move |tx| {
                service::repeats::sweep(tx, now)?;
                service::alarms::sweep(tx, now)?;
                Ok::<_, service::Error>(store::users::sweep_marks(tx, now)?)
            })
            .await?;
        seen.swept = now.as_second();
    }
    let event = Some(app.store.look(store::events::last).await?);
    let generation = Some(app.store.look(store::settings::generation).await?);
    let mut waits = Vec::new();
    waits.extend((seen.generation != generation).then_some(Wait::Unmatched));
    waits.extend((seen.event != event).then_some(Wait::Limit));
    let mut is_whole = true;
    for tenant in app.store.look(store::settings::tenants).await? {
        let ctx = clock::context(Actor::System, tenant.id);
        // What fails for one tenant must not stop the others.
        let admitted = admit_held(app, &ctx, &waits).await;
        let decided = decide_due(app, &ctx).await;
        let moved = move_due(app, &ctx).await;
        // Before anybody is purged.
        let alarmed = if seen.event == event {
            Ok(())
        } else {
            raise_alarms(app, &ctx).await
        };
        let purged = match &alarmed {
            Ok(()) => purge_due(app, &ctx).await,
            Err(_) => Ok(()),
        };
        for error in [
            admitted.err(),
            decided.err(),
            moved.err(),
            alarmed.err(),
            purged.err(),
        ]
        .into_iter()
        .flatten()
        {
            is_whole = false;
            tracing::warn!(%error, tenant = %tenant.name, "could not look after held and preserved users");
        }
    }
    if is_whole {
        (seen.event, seen.generation) = (event, generation);
    }
    Ok(())
}

async fn admit_held(app: &App, ctx: &Ctx, waits: &[Wait]) -> Result<(), service::Error> {
    for &wait in waits {
        let asking = ctx.clone();
        let is_anybody = app
            .store
            .look(move |tx| users::is_anybody_held(tx, &asking, wait))
            .await?;
        let mut next = is_anybody.then_some(UserId::from(uuid::Uuid::nil()));
        while let Some(after) = next {
            let ctx = ctx.clone();
            next = app
                .store
                .write(move |tx| users::admit(tx, &ctx, wait, after))
                .await?;
        }
    }
    Ok(())
}

/// Decides about some of those who are due; the other tenants wait no longer than that.
async fn decide_due(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    for _ in 0..STRIDES {
        let asking = ctx.clone();
        if !app
            .store
            .look(move |tx| users::is_any_decision_due(tx, &asking))
            .await?
        {
            return Ok(());
        }
        let ctx = ctx.clone();
        app.store.write(move |tx| users::decide_due(tx, &ctx)).await?;
    }
    Ok(())
}

/// Moves those who lost a match an hour ago.
async fn move_due(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    for _ in 0..STRIDES {
        let asking = ctx.clone();
        if !app
            .store
            .look(move |tx| users::is_any_move_due(tx, &asking))
            .await?
        {
            return Ok(());
        }
        let ctx = ctx.clone();
        app.store.write(move |tx| users::move_due(tx, &ctx)).await?;
    }
    Ok(())
}

/// Looks whether many of a connection's users left at once.
async fn raise_alarms(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    let asking = ctx.clone();
    let due = app
        .store
        .look(move |tx| service::alarms::due(tx, &asking))
        .await?;
    if due.is_empty() {
        return Ok(());
    }
    let count = due.len();
    tracing::warn!(
        count,
        "many users left at once; nobody is purged until an administrator has looked"
    );
    let ctx = ctx.clone();
    app.store.write(move |tx| service::alarms::raise(tx, &ctx)).await
}

async fn purge_due(app: &App, ctx: &Ctx) -> Result<(), service::Error> {
    loop {
        let asking = ctx.clone();
        if !app
            .store
            .look(move |tx| users::is_anybody_due(tx, &asking))
            .await?
        {
            return Ok(());
        }
        let ctx = ctx.clone();
        app.store.write(move |tx| users::purge_due(tx, &ctx)).await?;
    }
}

/// Counts who came and went since the last time. Where two nodes do so at once, one of them is told, and goes on later.
async fn follow_census(app: &App) {
    loop {
        let now = clock::now();
        let seen = app.store.look(store::census::is_behind).await;
        if !matches!(seen, Ok(true)) {
            return;
        }
        match app.store.write(move |tx| service::census::follow(tx, now)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "could not count who came and went; the next round goes on");
                return;
            }
        }
    }
}

/// Writes down what has gathered.
pub(crate) async fn flush(app: &App) {
    let mut uses: Vec<_> = app.take_uses().into_iter().collect();
    if uses.is_empty() {
        return;
    }
    // Nodes that write the same rows do so in one order.
    uses.sort_unstable_by_key(|(token, _)| *token);
    let written = app.store.write(move |tx| {
        uses.iter()
            .try_for_each(|&(token, (tenant, at))| store::tokens::used(tx, tenant, token, at))
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "could not note when tokens were last used");
    }
}
