//! Text as people mean it: case folded and normalised, so that two spellings of one name are one name.
//!
//! Rust folds and compares; a database never does, so both databases agree.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// `text` in normal form C.
pub fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

/// `text` folded for comparison without case: full Unicode case folding of the decomposed text, composed again
/// (canonical caseless matching, Unicode section 3.13).
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let decomposed: String = text.nfd().collect();
        return Cow::Owned(caseless::default_case_fold_str(&decomposed).nfc().collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_sees_through_case_and_composition() {
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("Ame\u{301}lie"), fold("AMÉLIE"));
        assert_ne!(fold("ana"), fold("anna"));
    }

    #[test]
    fn text_that_is_folded_already_is_not_copied() {
        assert!(matches!(fold("ava.nguyen@example.com"), Cow::Borrowed(_)));
    }
}
