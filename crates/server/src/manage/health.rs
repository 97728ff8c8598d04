//! `/connections/{name}/health`: is anything wrong with an identity provider, and what is to be done.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Alarm, Connection, Exchange, Timestamp, Token, TokenState, rfc3339};
use serde_json::{Value, json};
use service::exchanges::{self, Wanted};
use service::health;
use service::settings::named;
use store::log::exchanges::Among;
use store::log::traffic::{self, Hour};
use uuid::Uuid;

use super::input::Named;
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeSettings, ReadSettings};
use crate::access::problem::Problem;

/// What is known of a connection.
pub(crate) struct Known {
    pub(crate) connection: Connection,
    pub(crate) hours: Vec<Hour>,
    /// When its last token ends.
    pub(crate) ends: Option<Timestamp>,
    pub(crate) alarm: Option<Alarm>,
}

/// `GET /connections/{name}/health`
pub(super) async fn show(caller: Caller<ReadSettings>, Named(name): Named) -> Answer {
    caller.demand_whole()?;
    let known = gather(&caller, &name).await?;
    let (tenant, id) = (caller.ctx.tenant, known.connection.id);
    let wanted = Wanted {
        among: Among::RefusedOf(id),
        before: Uuid::max(),
        limit: 1,
    };
    let refused = caller
        .app
        .store
        .read_log(move |tx| exchanges::page(tx, tenant, &wanted))
        .await?;
    let shown = known.to_json(refused.exchanges.first(), caller.ctx.now);
    Ok(answer(shown.to_string()))
}

/// Looks at a connection.
pub(crate) async fn gather<R>(caller: &Caller<R>, name: &str) -> Result<Known, Problem> {
    let connection = named(&caller.settings.connections, name)?.clone();
    let (ctx, id, now) = (caller.ctx.clone(), connection.id, caller.ctx.now);
    let since = now.as_second().div_euclid(3600) - health::RHYTHM;
    let hours = caller
        .app
        .store
        .read_log(move |tx| Ok::<_, service::Error>(traffic::since(tx, ctx.tenant, id, since)?))
        .await?;
    let ctx = caller.ctx.clone();
    let looked = caller.app.store.look(move |tx| {
        let tokens = service::tokens::all(tx, &ctx)?;
        Ok::<_, service::Error>((tokens, service::alarms::all(tx, &ctx)?))
    });
    let (tokens, alarms) = looked.await?;
    let is_live = |token: &&Token| token.connection == id && token.state(now) == TokenState::Live;
    Ok(Known {
        ends: tokens.iter().filter(is_live).map(|token| token.expires).max(),
        alarm: alarms.into_iter().find(|alarm| alarm.connection == id),
        connection,
        hours,
    })
}

impl Known {
    fn days_left(&self, now: Timestamp) -> Option<i64> {
        self.ends.map(|ends| ends.duration_since(now).as_hours() / 24)
    }

    fn to_json(&self, refused: Option<&Exchange>, now: Timestamp) -> Value {
        let judged = health::judge(&self.hours, now);
        let days = self.days_left(now);
        let last_day: Vec<_> = self.hours.iter().rev().take(24).map(hour_to_json).collect();
        json!({
            "connection": self.connection.name,
            "lastCall": judged.last.map(rfc3339),
            "callsLastDay": judged.calls,
            "errorsLastDay": judged.errors,
            "agent": judged.agent,
            "recognised": judged.recognised,
            "usualSilenceHours": judged.usual_silence,
            "isSilent": judged.is_silent,
            "lastRefusal": refused.map(|exchange| json!({
                "exchange": exchange.id,
                "at": rfc3339(exchange.detail.at),
                "status": exchange.status,
                "reason": exchange.detail.reason,
            })),
            "tokenEnds": self.ends.map(rfc3339),
            "tokenDaysLeft": days,
            "alarm": self.alarm.as_ref().map(|alarm| json!({
                "raised": rfc3339(alarm.raised),
                "leavers": alarm.leavers,
                "users": alarm.users,
            })),
            "hours": last_day,
            "concerns": self.concerns(now),
        })
    }

    /// What an administrator should know, in sentences; none where all is well.
    pub(crate) fn concerns(&self, now: Timestamp) -> Vec<String> {
        let judged = health::judge(&self.hours, now);
        let mut concerns = health::concerns(&self.connection, &judged, self.days_left(now));
        concerns.extend(self.alarm.as_ref().map(|alarm| {
            format!(
                "{} of its {} users left within an hour. Nobody is purged until an administrator ends the alarm.",
                alarm.leavers, alarm.users
            )
        }));
        concerns
    }
}

fn hour_to_json(hour: &Hour) -> Value {
    let begun = Timestamp::from_second(hour.hour.saturating_mul(3600)).ok();
    json!({"hour": begun.map(rfc3339), "calls": hour.calls, "errors": hour.errors})
}

/// `DELETE /connections/{name}/alarm`
pub(super) async fn end_alarm(caller: Caller<ChangeSettings>, Named(name): Named) -> Answer {
    caller
        .write(move |tx, ctx| service::alarms::end(tx, ctx, &name))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
