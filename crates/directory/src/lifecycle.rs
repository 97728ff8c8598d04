//! Joiner, mover, leaver, and back again: two facts are kept apart, what the identity provider says and what Provost
//! holds against it; the status follows from them.
//!
//! The rule this module keeps: preserving always works, and no word of an identity provider ends an administrator's
//! hold.

use jiff::{SignedDuration, Timestamp};

use crate::settings::words;
use crate::{Refusal, rfc3339};

words! {
    /// What the identity provider says of a user.
    IdpState {
        /// The user may work.
        Active = "active",
        /// The user may not.
        Inactive = "inactive",
        /// There is no such user any more.
        Absent = "absent",
    }
}

words! {
    /// What Provost holds against the identity provider's word.
    Hold {
        /// Nothing.
        None = "none",
        /// An administrator preserved the account.
        Administrator = "administrator",
        /// No mapping matches.
        Unmatched = "unmatched",
        /// A profile or the tenant is full.
        Limit = "limit",
    }
}

words! {
    /// What a user waits for who is held.
    Wait {
        /// A mapping that matches.
        Unmatched = "unmatched",
        /// A free seat.
        Limit = "limit",
    }
}

words! {
    /// What a user is in Provost.
    Status {
        /// May work.
        Active = "active",
        /// May not work yet, though the identity provider says so.
        Held = "held",
        /// Kept, and may not work.
        Preserved = "preserved",
    }
}

words! {
    /// What led to a preservation.
    Cause {
        /// The identity provider created the user inactive.
        Staged = "staged",
        /// The identity provider deactivated the user.
        Deactivated = "deactivated",
        /// The identity provider deleted the user.
        Deleted = "deleted",
        /// An administrator preserved the user.
        Administrator = "administrator",
    }
}

/// How an account came to be preserved, and until when it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preservation {
    /// What led to it.
    pub cause: Cause,
    /// Name of the connection or administrator.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// When it is purged, fixed when it was preserved; `None` is never.
    pub purge_at: Option<Timestamp>,
}

/// Who preserves, when, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// Name of the connection or administrator.
    pub by: &'a str,
    /// Now.
    pub at: Timestamp,
    /// Days until the purge, by the user's profile as it is now; 0 is never.
    pub purge_days: u32,
}

/// Whether an administrator overrides the identity provider's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    /// No: where the provider says inactive, the account stays preserved.
    No,
    /// Yes, until the provider's next word.
    UntilNextWord,
}

/// Where a user stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifecycle {
    /// May work. Under an administrator's override the identity provider says otherwise.
    Active {
        /// What the identity provider says.
        idp: IdpState,
    },
    /// The identity provider says active, and the user waits for something; it becomes active by itself once it can.
    Held {
        /// What for.
        wait: Wait,
        /// Since when.
        since: Timestamp,
        /// When the mappings judged a request that carried the whole person; `None` where what they look at may have
        /// changed since.
        judged: Option<Timestamp>,
    },
    /// Kept, and may not work.
    Preserved {
        /// What the identity provider says.
        idp: IdpState,
        /// Whether an administrator holds it, and not (only) the provider's word.
        hold: Hold,
        /// How it came about.
        preservation: Preservation,
    },
}

impl Lifecycle {
    /// A user whom the identity provider creates as active.
    pub fn joined() -> Self {
        Self::Active {
            idp: IdpState::Active,
        }
    }

    /// A user whom the identity provider creates as inactive: nothing to purge until a first activation.
    pub fn staged(mark: Mark<'_>) -> Self {
        let preservation = Preservation {
            purge_at: None,
            ..mark.preservation(Cause::Staged)
        };
        Self::Preserved {
            idp: IdpState::Inactive,
            hold: Hold::None,
            preservation,
        }
    }

    /// The identity provider says that the user is inactive.
    #[must_use]
    pub fn deactivate(self, mark: Mark<'_>) -> Self {
        self.leave(IdpState::Inactive, mark, Cause::Deactivated)
    }

    /// The identity provider deletes the user.
    #[must_use]
    pub fn delete(self, mark: Mark<'_>) -> Self {
        self.leave(IdpState::Absent, mark, Cause::Deleted)
    }

    /// The identity provider says that the user is active: repeated, for the first time, or on return.
    ///
    /// # Errors
    /// [`Refusal::HeldByAdministrator`] where that word is new and an administrator holds the account.
    pub fn activate(self) -> Result<Self, Refusal> {
        match self {
            // A held user waits on; a repeated word ends no administrator's hold.
            Self::Held { .. }
            | Self::Preserved {
                idp: IdpState::Active,
                ..
            } => Ok(self),
            Self::Preserved {
                hold: Hold::Administrator,
                preservation,
                ..
            } => Err(Refusal::HeldByAdministrator {
                by: preservation.by,
                since: rfc3339(preservation.at),
            }),
            _ => Ok(Self::joined()),
        }
    }

    /// A user who may not work yet waits; one who waits already goes on waiting since then.
    #[must_use]
    pub fn wait_for(self, wait: Wait, now: Timestamp) -> Self {
        match self {
            Self::Held { since, judged, .. } => Self::Held { wait, since, judged },
            _ => Self::Held {
                wait,
                since: now,
                judged: None,
            },
        }
    }

    /// Notes when the mappings judged a request that carried the whole person, and that none matched; `None` where they
    /// cannot have known all that they look at.
    #[must_use]
    pub fn judged(self, at: Option<Timestamp>) -> Self {
        match self {
            Self::Held { wait, since, .. } => Self::Held {
                wait,
                since,
                judged: at,
            },
            other => other,
        }
    }

    /// An administrator preserves the account, or adds a hold to one that is preserved.
    #[must_use]
    pub fn preserve(self, mark: Mark<'_>) -> Self {
        match self {
            Self::Held { .. } => Self::joined().preserve(mark),
            Self::Active { idp } => {
                let preservation = mark.preservation(Cause::Administrator);
                Self::Preserved {
                    idp,
                    hold: Hold::Administrator,
                    preservation,
                }
            }
            Self::Preserved {
                hold: Hold::Administrator,
                ..
            } => self,
            Self::Preserved {
                idp, preservation, ..
            } => {
                let purge_at = preservation.purge_at;
                let preservation = Preservation {
                    purge_at,
                    ..mark.preservation(Cause::Administrator)
                };
                Self::Preserved {
                    idp,
                    hold: Hold::Administrator,
                    preservation,
                }
            }
        }
    }

    /// An administrator ends a preservation. Where the identity provider itself says inactive, the hold ends and the
    /// account stays preserved by the provider, whose name is in `mark`, unless the administrator overrides that.
    ///
    /// # Errors
    /// [`Refusal::InactiveInIdp`] where there is no hold to end and no override.
    pub fn release(self, over: Override, mark: Mark<'_>) -> Result<Self, Refusal> {
        match self {
            Self::Active { .. } => Ok(self),
            Self::Held { .. }
            | Self::Preserved {
                idp: IdpState::Active,
                ..
            } => Ok(Self::joined()),
            Self::Preserved { idp, .. } if over == Override::UntilNextWord => Ok(Self::Active { idp }),
            Self::Preserved {
                idp,
                hold: Hold::Administrator,
                preservation,
            } => {
                let cause = if idp == IdpState::Absent {
                    Cause::Deleted
                } else {
                    Cause::Deactivated
                };
                let preservation = Preservation {
                    purge_at: preservation.purge_at,
                    ..mark.preservation(cause)
                };
                Ok(Self::Preserved {
                    idp,
                    hold: Hold::None,
                    preservation,
                })
            }
            Self::Preserved { idp, .. } => Err(Refusal::InactiveInIdp {
                idp_state: idp.name(),
            }),
        }
    }

    /// A preserved account becomes visible to its identity provider again, and stays preserved: created anew as
    /// inactive after a deletion.
    #[must_use]
    pub fn reappear(self) -> Self {
        match self {
            Self::Preserved {
                hold, preservation, ..
            } => Self::Preserved {
                idp: IdpState::Inactive,
                hold,
                preservation,
            },
            other => other,
        }
    }

    /// Nobody speaks for the user any more: a manual user counts as active where it is not preserved.
    #[must_use]
    pub fn unmanaged(self) -> Self {
        match self {
            Self::Active { .. } => Self::joined(),
            other => other,
        }
    }

    /// Whether the user is active against the identity provider's word, until its next one.
    pub fn is_overridden(&self) -> bool {
        matches!(self, Self::Active { idp } if *idp != IdpState::Active)
    }

    /// What the identity provider says.
    pub fn idp_state(&self) -> IdpState {
        match self {
            Self::Active { idp } | Self::Preserved { idp, .. } => *idp,
            Self::Held { .. } => IdpState::Active,
        }
    }

    /// What is held against it.
    pub fn hold(&self) -> Hold {
        match self {
            Self::Active { .. } => Hold::None,
            Self::Held {
                wait: Wait::Unmatched,
                ..
            } => Hold::Unmatched,
            Self::Held {
                wait: Wait::Limit, ..
            } => Hold::Limit,
            Self::Preserved { hold, .. } => *hold,
        }
    }

    /// What follows from the two.
    pub fn status(&self) -> Status {
        match self {
            Self::Active { .. } => Status::Active,
            Self::Held { .. } => Status::Held,
            Self::Preserved { .. } => Status::Preserved,
        }
    }

    /// How the account came to be preserved, if it is.
    pub fn preservation(&self) -> Option<&Preservation> {
        match self {
            Self::Active { .. } | Self::Held { .. } => None,
            Self::Preserved { preservation, .. } => Some(preservation),
        }
    }

    /// Whether an identity provider can see the user; one that it deleted owns no name.
    pub fn is_visible(&self) -> bool {
        self.idp_state() != IdpState::Absent
    }

    fn leave(self, word: IdpState, mark: Mark<'_>, cause: Cause) -> Self {
        match self {
            // An override lasts until the provider's next word; the same word again is none.
            Self::Active { idp } if idp == word => self,
            Self::Active { .. } | Self::Held { .. } => Self::Preserved {
                idp: word,
                hold: Hold::None,
                preservation: mark.preservation(cause),
            },
            Self::Preserved {
                idp: IdpState::Absent,
                ..
            } => self,
            Self::Preserved {
                hold: hold @ Hold::Administrator,
                preservation,
                ..
            } => Self::Preserved {
                idp: word,
                hold,
                preservation,
            },
            Self::Preserved {
                hold, preservation, ..
            } => {
                let cause = if word == IdpState::Absent {
                    cause
                } else {
                    preservation.cause
                };
                Self::Preserved {
                    idp: word,
                    hold,
                    preservation: Preservation {
                        cause,
                        ..preservation
                    },
                }
            }
        }
    }
}

impl Mark<'_> {
    fn preservation(&self, cause: Cause) -> Preservation {
        let days = SignedDuration::from_hours(24 * i64::from(self.purge_days));
        let purge_at = (self.purge_days > 0).then(|| self.at.saturating_add(days).unwrap_or(Timestamp::MAX));
        Preservation {
            cause,
            by: self.by.to_owned(),
            at: self.at,
            purge_at,
        }
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
