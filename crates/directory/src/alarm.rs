//! Many leavers at once: a mistake in the identity provider looks like that, and nobody may be purged for it.

use jiff::{SignedDuration, Timestamp};

use crate::ConnectionId;

/// That many users of a connection left within an hour. While it lasts, no preserved user of the tenant is purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Whose users left.
    pub connection: ConnectionId,
    /// When it was raised.
    pub raised: Timestamp,
    /// How many had left by then.
    pub leavers: u64,
    /// Of how many.
    pub users: u64,
    /// When an administrator said that they have left indeed.
    pub ended: Option<Timestamp>,
}

impl Alarm {
    /// Over how long leavers are counted.
    pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
    /// Fewer leavers than this are never many.
    pub const FEWEST: u64 = 10;

    /// Whether so many `leavers` of `users` are more than `percent`; 0 is never.
    pub fn is_due(leavers: u64, users: u64, percent: u32) -> bool {
        let share = leavers.saturating_mul(100);
        percent > 0
            && leavers >= Self::FEWEST
            && share > users.max(leavers).saturating_mul(u64::from(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::Alarm;

    #[test]
    fn more_than_the_share_and_not_few() {
        assert!(Alarm::is_due(21, 100, 20));
        assert!(!Alarm::is_due(20, 100, 20), "not more");
        assert!(!Alarm::is_due(9, 10, 20), "few");
        assert!(!Alarm::is_due(50, 50, 0), "off");
        assert!(Alarm::is_due(50, 3, 20), "deleted users are no longer counted");
    }
}
