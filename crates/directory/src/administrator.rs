//! Persons who sign in, and their passwords.

use jiff::{SignedDuration, Timestamp};

use crate::{AdministratorId, ProfileId, Refusal, Role, SessionId, TenantId, TokenHash};

/// A person who signs in.
#[derive(Debug, Clone)]
pub struct Administrator {
    /// Its id.
    pub id: AdministratorId,
    /// The address that it signs in with; unique in its tenant, whatever its case.
    pub email: String,
    /// What events call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The profiles whose users it deals with; `None` for all, and everything else too.
    pub profiles: Option<Vec<ProfileId>>,
    /// The password's argon2id hash (PHC string); `None` until the invitation is accepted.
    pub password: Option<String>,
    /// How it proves itself beside the password.
    pub second: SecondFactor,
    /// The invitation that is open.
    pub invitation: Option<Invitation>,
    /// When it was invited.
    pub created: Timestamp,
    /// When it was last seen, to the minute.
    pub last_seen: Option<Timestamp>,
}

impl Administrator {
    /// How history names the person: names are free, and addresses are not.
    pub fn known_as(&self) -> String {
        if self.name == self.email {
            return self.email.clone();
        }
        format!("{} ({})", self.name, self.email)
    }
}

/// One-time codes (RFC 6238) and what stands in for them.
#[derive(Debug, Clone, Default)]
pub struct SecondFactor {
    /// The secret, encrypted; `None` where there is none.
    pub secret: Option<Vec<u8>>,
    /// The last time step whose code was taken: none is taken twice.
    pub step: Option<i64>,
    /// Hashes of the recovery codes that are left, in hexadecimal digits.
    pub recovery: Vec<String>,
}

/// A link that may be used once.
#[derive(Debug, Clone, Copy)]
pub struct Invitation {
    /// Of its text.
    pub hash: TokenHash,
    /// From then on it is void.
    pub ends: Timestamp,
}

impl Invitation {
    /// How long an invitation is good.
    pub const LASTS: SignedDuration = SignedDuration::from_hours(24 * 7);
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id; not the secret.
    pub id: SessionId,
    /// Where.
    pub tenant: TenantId,
    /// Who.
    pub administrator: AdministratorId,
    /// What every request that changes something must repeat, which another site cannot know.
    pub csrf: String,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub seen: Timestamp,
    /// From which address.
    pub address: String,
    /// With what.
    pub agent: String,
}

impl Session {
    /// After so long without a request it ends.
    pub const IDLE: SignedDuration = SignedDuration::from_hours(2);
    /// After so long it ends in any case.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(12);

    /// When it ends if nothing is heard of it.
    pub fn ends(&self) -> Timestamp {
        let idle = self.seen.saturating_add(Self::IDLE).unwrap_or(Timestamp::MAX);
        let longest = self
            .created
            .saturating_add(Self::LONGEST)
            .unwrap_or(Timestamp::MAX);
        idle.min(longest)
    }
}

/// A password that may be taken.
#[derive(Clone)]
pub struct Password(String);

/// How many characters a password has.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=200;
/// What everybody tries first, of those that are long enough; small letters and digits alone.
const COMMON: &str = include_str!("common_passwords.txt");

impl Password {
    /// A new password of the person with this address.
    ///
    /// # Errors
    /// [`Refusal::BadPassword`], which says why.
    pub fn parse(text: &str, email: &str) -> Result<Self, Refusal> {
        let bad = |why| Err(Refusal::BadPassword { why });
        if !LENGTH.contains(&text.chars().count()) {
            return bad("it must have 12 to 200 characters; a few words in a row are easy to keep in mind");
        }
        let plain: String = text
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let mut letters: Vec<_> = plain.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        if letters.len() < 5 {
            return bad("it repeats a few letters");
        }
        let known: String = email.split('@').next().unwrap_or_default().to_lowercase();
        let address: String = email
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        if plain.contains(&address) {
            return bad("it holds your own address");
        }
        if known.chars().count() >= 4 && plain.contains(&known) {
            return bad("it holds your own address");
        }
        if COMMON
            .lines()
            .any(|common| !common.is_empty() && plain.contains(common))
            || is_run(&plain)
        {
            return bad("it is one of those that everybody tries first");
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, to hash it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(...)")
    }
}

/// Whether nearly every letter follows the one before it, as in `123456` and `abcdef`.
fn is_run(text: &str) -> bool {
    let letters: Vec<u32> = text.chars().map(u32::from).collect();
    let follows = |pair: &&[u32]| pair[1].abs_diff(pair[0]) <= 1;
    let runs = letters.windows(2).filter(follows).count();
    runs * 4 >= letters.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_is_no_password() {
        let email = "margaret@example.com";
        for bad in [
            "short",
            "Password1234!",
            "P@ssword 123 password",
            "123456789012",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "Margaret-2026-x",
            "qwertyuiop12",
            "iloveyou iloveyou",
            &"x1y2z3".repeat(40),
        ] {
            assert!(Password::parse(bad, email).is_err(), "{bad}");
        }
        for good in ["correct horse battery", "Zk4#mmQ!v9xT", "drei kleine Bären 7"] {
            assert!(Password::parse(good, email).is_ok(), "{good}");
        }
        let kept = Password::parse("correct horse battery", email).unwrap();
        assert!(!format!("{kept:?}").contains("horse"));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_in_any_case() {
        let at = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let session = |seen| Session {
            id: uuid::Uuid::nil().into(),
            tenant: uuid::Uuid::nil().into(),
            administrator: uuid::Uuid::nil().into(),
            csrf: String::new(),
            created: at(0),
            seen,
            address: String::new(),
            agent: String::new(),
        };
        assert_eq!(session(at(1)).ends(), at(3));
        assert_eq!(session(at(11)).ends(), at(12));
    }
}
