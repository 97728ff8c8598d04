//! A filter as it is written: where it cannot be read, the place is marked.

use askama::Template;
use scim::Filter;
use scim::filter::Quotes;

use super::mapping_form::MappingForm;
use super::page::{Answer, Sent};
use crate::access::caller::ReadSettings;

/// The text before the place that cannot be read, that place, and the rest; and why.
#[derive(Debug, Default, Template, PartialEq, Eq)]
#[template(path = "filter_marked.html")]
pub(super) struct Marked {
    before: String,
    wrong: String,
    after: String,
    reason: String,
    is_right: bool,
}

/// Reads a filter.
pub(super) fn marked(text: &str) -> Marked {
    if text.trim().is_empty() {
        return Marked::default();
    }
    let Err(error) = Filter::parse(text, Quotes::Required) else {
        return Marked {
            is_right: true,
            ..Marked::default()
        };
    };
    let letters: Vec<char> = text.chars().collect();
    let at = error
        .position
        .map_or(0, |position| (position - 1).min(letters.len()));
    // A word is marked whole; at the end a blank stands for what is missing.
    let is_end = |letter: &char| letter.is_whitespace() || matches!(letter, '(' | ')' | '[' | ']');
    let long = letters[at..]
        .iter()
        .position(is_end)
        .unwrap_or(letters.len() - at)
        .max(1);
    let end = (at + long).min(letters.len());
    let wrong: String = letters[at..end].iter().collect();
    Marked {
        before: letters[..at].iter().collect(),
        wrong: if wrong.is_empty() {
            "\u{a0}\u{a0}".to_owned()
        } else {
            wrong
        },
        after: letters[end..].iter().collect(),
        reason: error.detail,
        is_right: false,
    }
}

/// `POST /console/mappings/check`: while somebody writes.
pub(super) async fn check(sent: Sent<ReadSettings, MappingForm>) -> Answer {
    let Sent { page, form } = sent;
    page.shows(&marked(&form.filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked() {
        let found = marked("department eq \"Sales\" xor title pr");
        assert_eq!(
            (found.before.as_str(), found.wrong.as_str()),
            ("department eq \"Sales\" ", "xor")
        );
        assert_eq!(found.after, " title pr");
        assert!(marked("title pr").is_right);
        assert_eq!(marked("title eq").wrong, "\u{a0}\u{a0}");
        assert_eq!(marked(" "), Marked::default());
    }
}
