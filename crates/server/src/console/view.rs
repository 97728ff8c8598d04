//! How things are written on pages: times, numbers, states, and names that strangers chose.

use std::fmt;

use directory::{Bytes, Facts, Hold, IdpState, Record, Settings, Status, Timestamp, names, rfc3339};
use jiff::tz::TimeZone;

/// Text that is HTML already: everything in it is ours, or escaped.
pub(super) struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

/// A time: how long ago, and the time itself on hover.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Markup {
    Markup(format!(
        "<time datetime=\"{}\" title=\"{}\">{}</time>",
        rfc3339(at),
        absolute(at),
        relative(at, now)
    ))
}

/// The same, or a dash.
pub(super) fn maybe_when(at: Option<Timestamp>, now: Timestamp) -> Markup {
    at.map_or_else(
        || Markup("<span class=\"none\">–</span>".to_owned()),
        |at| when(at, now),
    )
}

/// To the second, in UTC.
pub(super) fn absolute(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%-d %b %Y, %H:%M:%S UTC")
        .to_string()
}

/// The day, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%-d %b %Y")
        .to_string()
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    let (ahead, seconds) = (seconds < 0, seconds.unsigned_abs());
    let (count, unit) = match seconds {
        0..10 if !ahead => return "just now".to_owned(),
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..2_592_000 => (seconds / 86_400, "day"),
        _ => return day(at),
    };
    let many = if count == 1 { "" } else { "s" };
    if ahead {
        format!("in {count} {unit}{many}")
    } else {
        format!("{count} {unit}{many} ago")
    }
}

/// With a thin space between thousands.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 user`, `2 users`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A part of an address: everything that could mean something else is encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            use fmt::Write as _;
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Letters of a name that lists show.
const MOST_LETTERS: usize = 200;

/// A name that somebody else chose: what turns the direction of writing, or shows nothing, is made visible.
pub(super) fn plain(text: &str) -> String {
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|letter| if is_odd(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// As much of a name as a list has room for; what was sent shows the whole.
fn cut(text: String) -> String {
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A state, with the word for it.
pub(super) fn badge(class: &str, word: &str) -> Markup {
    Markup(format!("<span class=\"badge {class}\">{word}</span>"))
}

pub(super) fn status(status: Status) -> Markup {
    badge(status.name(), status.name())
}

/// What stands behind a status, in words; empty where the status says it all.
pub(super) fn why(facts: &Facts) -> String {
    let lifecycle = &facts.lifecycle;
    match (lifecycle.status(), lifecycle.hold()) {
        (Status::Active, _) if lifecycle.is_overridden() => format!(
            "an administrator activated it; the identity provider says {}",
            lifecycle.idp_state().name()
        ),
        (Status::Active, _) => String::new(),
        (Status::Held, Hold::Limit) => "waits for a free seat".to_owned(),
        (Status::Held, _) => "waits for a mapping that matches".to_owned(),
        (Status::Preserved, hold) => {
            let by = lifecycle
                .preservation()
                .map_or("", |preservation| preservation.by.as_str());
            match (hold, lifecycle.idp_state()) {
                (Hold::Administrator, _) => format!("by the administrator {by}"),
                (_, IdpState::Absent) => format!("deleted by {by}"),
                _ => match lifecycle.preservation().map(|preservation| preservation.cause) {
                    Some(directory::Cause::Staged) => format!("created inactive by {by}"),
                    _ => format!("deactivated by {by}"),
                },
            }
        }
    }
}

/// A quota: its size, or that there is none.
pub(super) fn quota(bytes: Option<Bytes>) -> String {
    bytes.map_or_else(|| "–".to_owned(), |bytes| bytes.to_string())
}

/// A user in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) user_name: String,
    pub(super) email: String,
    pub(super) status: Markup,
    pub(super) why: String,
    pub(super) profile: String,
    pub(super) storage: String,
    pub(super) quota: String,
    pub(super) mapping: String,
    pub(super) managed_by: String,
    pub(super) created: Markup,
    pub(super) changed: Markup,
    pub(super) purged_on: Markup,
    pub(super) on_legal_hold: bool,
    pub(super) doubt: &'static str,
}

/// What a doubt about a place means.
pub(super) fn doubt(facts: &Facts) -> &'static str {
    match facts.placement.doubt {
        None => "",
        Some(directory::Doubt::Unmatched) => "no mapping matches any more; the place is kept",
        Some(directory::Doubt::Full) => {
            "the mapping that matches gives a profile that is full; the place is kept"
        }
        Some(directory::Doubt::Lost) => {
            "lost the match that gave the place; moves within the hour unless it leaves"
        }
    }
}

impl Row {
    pub(super) fn of(record: &Record, settings: &Settings, now: Timestamp) -> Self {
        let facts = &record.facts;
        let user = record.clone().open();
        let placement = &facts.placement;
        let profile = placement.profile.and_then(|id| settings.profile(id));
        let storage = placement.storage.and_then(|id| settings.storage(id));
        let connection = facts.connection.and_then(|id| settings.connection(id));
        let decision = placement.decision.as_ref();
        let preservation = facts.lifecycle.preservation();
        Self {
            id: facts.id.to_string(),
            name: cut(plain(&names::safe(&user.display_name()))),
            user_name: cut(plain(&facts.account_name)),
            email: user.email().map(plain).unwrap_or_default(),
            status: status(facts.lifecycle.status()),
            why: plain(&why(facts)),
            profile: profile
                .map(|profile| profile.name.to_string())
                .unwrap_or_default(),
            storage: storage
                .map(|storage| storage.name.to_string())
                .unwrap_or_default(),
            quota: quota(placement.quota(settings)),
            mapping: decision
                .map(|decision| decision.mapping_name.clone())
                .unwrap_or_default(),
            managed_by: connection
                .map_or_else(|| "manual".to_owned(), |connection| connection.name.to_string()),
            created: when(facts.created, now),
            changed: when(facts.modified, now),
            purged_on: maybe_when(preservation.and_then(|preservation| preservation.purge_at), now),
            on_legal_hold: facts.legal_hold,
            doubt: doubt(facts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let at = |seconds: i64| relative(Timestamp::from_second(1_000_000_000 - seconds).unwrap(), now);
        assert_eq!(at(3), "just now");
        assert_eq!(at(61), "1 minute ago");
        assert_eq!(at(7_300), "2 hours ago");
        assert_eq!(at(-86_500), "in 1 day");
        assert_eq!(at(86_400 * 100), "1 Jun 2001");
    }

    #[test]
    fn what_turns_or_hides_text_is_made_visible() {
        assert_eq!(plain("a\u{202e}txt.exe\u{200b}"), "a\u{fffd}txt.exe\u{fffd}");
        assert_eq!(plain("Zoë 李明"), "Zoë 李明");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(12), "12");
    }
}
