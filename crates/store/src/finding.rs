//! What a look at a database finds.

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What.
    pub subject: String,
    /// What to do, where something is wrong.
    pub advice: Option<String>,
}

impl Finding {
    /// Nothing is wrong with it.
    pub(crate) fn fine(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            advice: None,
        }
    }

    /// `advice` is for where it is not as it should be.
    pub(crate) fn of(subject: impl Into<String>, is_right: bool, advice: &str) -> Self {
        Self {
            subject: subject.into(),
            advice: (!is_right).then(|| advice.to_owned()),
        }
    }
}
