//! Bearer tokens of a connection: 256 random bits with a checksum, so that a secret scanner can find one and a typo is
//! told from a wrong token without a look-up. Only the SHA-256 is ever stored.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{ConnectionId, TokenId};

/// How many days a token may be valid.
pub const TOKEN_DAYS: std::ops::RangeInclusive<u32> = 1..=730;

/// What a token begins with.
const TOKEN: &str = "pvt_";
/// What an API key begins with.
const KEY: &str = "pvk_";
/// What an invitation begins with.
const INVITATION: &str = "pvi_";
/// What the secret of a session begins with.
const SESSION: &str = "pvs_";
const SECRET_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text of a token or an API key: `pvt_` or `pvk_`, 43 base62 digits of 256 random bits, 6 digits of checksum. Never
/// shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// SHA-256 of a token's text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// What is kept of a token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Shown in lists, and named to revoke it.
    pub id: TokenId,
    /// The connection that it opens.
    pub connection: ConnectionId,
    /// When it was made.
    pub created: Timestamp,
    /// From then on it is no longer taken.
    pub expires: Timestamp,
    /// When an administrator ended it.
    pub revoked: Option<Timestamp>,
    /// When it was last taken; written down every few seconds.
    pub last_used: Option<Timestamp>,
}

/// Whether a token opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// An administrator ended it.
    Revoked,
}

impl Token {
    /// Whether the token opens anything at `now`.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match self.revoked {
            Some(_) => TokenState::Revoked,
            None if now >= self.expires => TokenState::Expired,
            None => TokenState::Live,
        }
    }
}

impl Secret {
    /// The token of 256 random bits.
    pub fn from_random(bits: [u8; 32]) -> Self {
        Self::made(TOKEN, bits)
    }

    /// The API key of 256 random bits.
    pub fn key_from_random(bits: [u8; 32]) -> Self {
        Self::made(KEY, bits)
    }

    /// The invitation of 256 random bits.
    pub fn invitation_from_random(bits: [u8; 32]) -> Self {
        Self::made(INVITATION, bits)
    }

    /// The session's secret of 256 random bits.
    pub fn session_from_random(bits: [u8; 32]) -> Self {
        Self::made(SESSION, bits)
    }

    fn made(prefix: &str, bits: [u8; 32]) -> Self {
        let digits = base62::<SECRET_DIGITS>(bits);
        let body = format!("{prefix}{digits}");
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Reads a token; `None` where the form or the checksum is wrong: that is a typo, and no look-up is needed.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(TOKEN, text)
    }

    /// Reads an API key; `None` as for a token.
    pub fn parse_key(text: &str) -> Option<Self> {
        Self::read(KEY, text)
    }

    /// Reads an invitation; `None` as for a token.
    pub fn parse_invitation(text: &str) -> Option<Self> {
        Self::read(INVITATION, text)
    }

    /// Reads a session's secret; `None` as for a token.
    pub fn parse_session(text: &str) -> Option<Self> {
        Self::read(SESSION, text)
    }

    fn read(prefix: &str, text: &str) -> Option<Self> {
        let right_form = text.len() == prefix.len() + SECRET_DIGITS + CHECKSUM_DIGITS
            && text.starts_with(prefix)
            && text[prefix.len()..]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric());
        if !right_form {
            return None;
        }
        let (body, sum) = text.split_at(prefix.len() + SECRET_DIGITS);
        (checksum(body) == sum).then(|| Self(text.to_owned()))
    }

    /// What the database keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The text, to show it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

impl TokenHash {
    /// The hash in thirty-two bytes from the database.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The thirty-two bytes that the database keeps.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(...)")
    }
}

fn checksum(body: &str) -> String {
    let mut bits = [0; 32];
    bits[28..].copy_from_slice(&crc32fast::hash(body.as_bytes()).to_be_bytes());
    base62::<CHECKSUM_DIGITS>(bits)
}

/// The number in `bits` (big-endian) as `DIGITS` base62 digits, by long division.
fn base62<const DIGITS: usize>(mut bits: [u8; 32]) -> String {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut bits {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62).to_le_bytes()[0];
            remainder = value % 62;
        }
        *digit = BASE62[remainder as usize];
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_form_and_reads_back() {
        for bits in [[0; 32], [255; 32], [7; 32]] {
            let secret = Secret::from_random(bits);
            assert_eq!(secret.reveal().len(), 53);
            assert_eq!(Secret::parse(secret.reveal()).unwrap(), secret);
        }
        assert_ne!(Secret::from_random([255; 32]), Secret::from_random([254; 32]));
    }

    #[test]
    fn a_typo_is_seen_without_a_look_up() {
        let text = Secret::from_random([9; 32]).reveal().to_owned();
        let typo = if text.as_bytes()[20] == b'A' { "B" } else { "A" };
        assert_eq!(
            Secret::parse(&format!("{}{typo}{}", &text[..20], &text[21..])),
            None
        );
        assert_eq!(Secret::parse(&text[1..]), None);
        assert_eq!(Secret::parse("pvt_é"), None);
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let secret = Secret::from_random([9; 32]);
        assert!(!format!("{secret:?}{:?}", secret.hash()).contains(&secret.reveal()[5..15]));
    }
}
