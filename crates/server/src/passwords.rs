//! Passwords (argon2id) and one-time codes (RFC 6238).

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use tokio::sync::Semaphore;
use totp_rs::{Algorithm, TOTP};

/// Passwords that are hashed at once: each takes 19 MB and tens of milliseconds.
static HASHING: Semaphore = Semaphore::const_new(2);
/// What is hashed where there is nobody, so that it takes as long.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hashed("nobody has this password"));

/// Seconds of a time step.
const STEP: u64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;

/// The hash of a password, as it is kept.
pub(crate) async fn hash(password: String) -> Option<String> {
    let _permit = HASHING.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || hashed(&password))
        .await
        .ok()?
}

/// Whether the password is the one of the hash; where there is none it takes as long and says no.
pub(crate) async fn is_right(password: String, hash: Option<String>) -> bool {
    let Ok(permit) = HASHING.acquire().await else {
        return false;
    };
    let checked = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone());
        let fits = hash.is_some_and(|hash| verifies(&password, &hash));
        known && fits
    });
    checked.await.unwrap_or(false)
}

fn hashed(password: &str) -> Option<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    let salt = SaltString::encode_b64(&salt).ok()?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

fn verifies(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

/// The time step whose code this is, at `now` in seconds or one step beside it; nothing where it is none.
pub(crate) fn step_of(code: &str, secret: &[u8], now: u64) -> Option<i64> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let totp = TOTP::new(Algorithm::SHA1, DIGITS, 1, STEP, secret.to_vec()).ok()?;
    let here = now / STEP;
    let steps = [here, here.saturating_sub(1), here + 1];
    let found = steps.into_iter().find(|step| totp.generate(step * STEP) == code);
    found.and_then(|step| i64::try_from(step).ok())
}

/// Text of base 32 (RFC 4648), as apps for one-time codes take a secret.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let digits = (chunk.len() * 8).div_ceil(5);
        for digit in 0..digits {
            let index = (bits >> (35 - 5 * digit)) & 31;
            text.push(char::from(LETTERS[usize::try_from(index).unwrap_or_default()]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, of which apps show the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
        ] {
            assert_eq!(step_of(code, secret, time), i64::try_from(time / STEP).ok());
            assert_eq!(step_of(code, secret, time + 90), None, "too late");
        }
        assert_eq!(step_of("287 082", secret, 59 + 20), Some(1), "a step late");
        assert_eq!(step_of("", secret, 59), None);
    }

    /// RFC 4648 section 10, without padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong_and_of_nobody_wrong() {
        let hash = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("horse"));
        assert!(is_right("correct horse battery".to_owned(), Some(hash.clone())).await);
        assert!(!is_right("wrong horse battery".to_owned(), Some(hash)).await);
        assert!(!is_right("nobody has this password".to_owned(), None).await);
    }
}
