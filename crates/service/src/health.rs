//! How a connection is: when it was last heard of, how much goes wrong, and whether it is quieter than it used to be.

use directory::{Connection, ConnectionKind, Timestamp};
use jiff::SignedDuration;
use store::log::traffic::Hour;

/// How far back its rhythm is looked at, in hours.
pub const RHYTHM: i64 = 24 * 14;
/// With fewer hours that had requests, nobody knows its rhythm.
const KNOWN: usize = 10;
/// A shorter silence is none, in hours.
const SHORTEST: i64 = 6;

/// What the last two weeks of requests tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The last request.
    pub last: Option<Timestamp>,
    /// Requests of the last 24 hours.
    pub calls: u64,
    /// Of those, the ones that were refused or failed.
    pub errors: u64,
    /// What the client calls itself.
    pub agent: Option<String>,
    /// The identity provider that calls itself so.
    pub recognised: Option<ConnectionKind>,
    /// The longest time without a request in those weeks, in hours, the present one aside; `None` where too little is known.
    pub usual_silence: Option<i64>,
    /// Whether it is silent for much longer than it used to be.
    pub is_silent: bool,
}

/// Judges the hours of the last two weeks that had requests, in order.
pub fn judge(hours: &[Hour], now: Timestamp) -> Health {
    let this = now.as_second().div_euclid(3600);
    let recent = hours.iter().filter(|hour| hour.hour > this - 24);
    let (calls, errors) = recent.fold((0, 0), |(calls, errors), hour| {
        (calls + hour.calls, errors + hour.errors)
    });
    let Some(last) = hours.last() else {
        return Health::default();
    };
    let gaps = hours.windows(2).map(|pair| pair[1].hour - pair[0].hour);
    let usual_silence = gaps.max().filter(|_| hours.len() >= KNOWN);
    let silence = now.duration_since(last.last);
    let is_silent = usual_silence
        .is_some_and(|usual| silence > SignedDuration::from_hours(usual.saturating_mul(2).max(SHORTEST)));
    Health {
        last: Some(last.last),
        calls,
        errors,
        agent: Some(last.agent.clone()).filter(|agent| !agent.is_empty()),
        recognised: recognised(&last.agent),
        usual_silence,
        is_silent,
    }
}

/// The identity provider by what its client calls itself.
fn recognised(agent: &str) -> Option<ConnectionKind> {
    const KNOWN: [(&str, ConnectionKind); 8] = [
        ("okta", ConnectionKind::Okta),
        ("azure", ConnectionKind::Entra),
        ("microsoft", ConnectionKind::Entra),
        ("onelogin", ConnectionKind::OneLogin),
        ("jumpcloud", ConnectionKind::JumpCloud),
        ("ping", ConnectionKind::Ping),
        ("google", ConnectionKind::Google),
        ("authentik", ConnectionKind::Authentik),
    ];
    let agent = agent.to_ascii_lowercase();
    KNOWN
        .iter()
        .find(|(word, _)| agent.contains(word))
        .map(|&(_, kind)| kind)
}

/// What an administrator should know of a connection, in sentences; none where all is well.
pub fn concerns(connection: &Connection, health: &Health, token_days: Option<i64>) -> Vec<String> {
    let mut concerns = Vec::new();
    match token_days {
        None => concerns.push("It has no live token; make one.".to_owned()),
        Some(days) if days < 30 => {
            concerns.push(format!("Its token ends in {days} days; make the next one."));
        }
        Some(_) => {}
    }
    match health.last {
        None => concerns.push("Nothing came from it in the last two weeks.".to_owned()),
        Some(_) if health.is_silent => concerns.push(format!(
            "It is silent for much longer than the {} hours that are usual.",
            health.usual_silence.unwrap_or_default()
        )),
        Some(_) => {}
    }
    if health.errors > 0 && health.errors * 10 >= health.calls {
        concerns.push(format!(
            "{} of its {} requests in the last day were refused or failed; the provisioning log says why.",
            health.errors, health.calls
        ));
    }
    if let Some(kind) = health.recognised
        && connection.kind != ConnectionKind::Other
        && kind != connection.kind
    {
        concerns.push(format!(
            "It is set up for {}, and what speaks calls itself as {} does.",
            connection.kind.name(),
            kind.name()
        ));
    }
    concerns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Hour {
        Hour {
            hour,
            calls: 10,
            errors: 1,
            last: Timestamp::from_second(hour * 3600 + 60).unwrap(),
            agent: "Okta SCIM Client 1.0.0".to_owned(),
        }
    }

    #[test]
    fn silence_is_measured_against_its_own_rhythm() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let daily: Vec<_> = (0..12).map(|day| hour(1_000 + day * 24)).collect();
        let last = 1_000 + 11 * 24;
        let health = judge(&daily, at(last + 30));
        assert_eq!((health.usual_silence, health.is_silent), (Some(24), false));
        assert!(judge(&daily, at(last + 50)).is_silent);
        assert_eq!(health.recognised, Some(ConnectionKind::Okta));
        let busy: Vec<_> = (0..24).map(|at| hour(1_000 + at)).collect();
        assert!(!judge(&busy, at(1_023 + 5)).is_silent, "too short for anybody");
        assert!(judge(&busy, at(1_023 + 8)).is_silent);
        assert!(!judge(&busy[..5], at(2_000)).is_silent, "too little is known");
        let health = judge(&busy, at(1_024));
        assert_eq!((health.calls, health.errors), (230, 23));
    }
}
