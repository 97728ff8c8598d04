//! Secrets that must be readable again, encrypted under one key that never is in the database (XChaCha20-Poly1305).

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

/// How long a nonce is, in bytes.
const NONCE: usize = 24;

/// The key's text is none.
#[derive(Debug, thiserror::Error)]
#[error("a secret key is 64 hexadecimal digits, such as `openssl rand -hex 32` prints")]
pub struct BadKey;

/// What encrypts and decrypts; every node of a database needs the same.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(...)")
    }
}

impl Vault {
    /// The vault of this key.
    pub fn of(key: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(key)))
    }

    /// The vault of a key that is written in 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        let mut key = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(BadKey);
        }
        for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| BadKey)?;
        }
        Ok(Self::of(key))
    }

    /// `secret`, encrypted for the one place that `of` names: it opens nowhere else.
    pub(crate) fn lock(&self, secret: &[u8], of: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: secret, aad: of };
        let locked = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([&nonce[..], &locked].concat())
    }

    /// What was encrypted; nothing where the key or the place is another.
    pub(crate) fn open(&self, locked: &[u8], of: &[u8]) -> Option<Vec<u8>> {
        let (nonce, locked) = locked.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.0
            .decrypt(&XNonce::from(nonce), Payload { msg: locked, aad: of })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_locked_opens_with_its_key_and_in_its_place_alone() {
        let vault = Vault::parse(&"0f".repeat(32)).unwrap();
        let locked = vault.lock(b"secret", b"ava").unwrap();
        assert!(!locked.windows(6).any(|part| part == b"secret"));
        assert_eq!(vault.open(&locked, b"ava").unwrap(), b"secret");
        assert_eq!(vault.open(&locked, b"bob"), None);
        assert_eq!(Vault::of([1; 32]).open(&locked, b"ava"), None);
        assert_eq!(vault.open(&locked[..10], b"ava"), None);
        assert!(Vault::parse("short").is_err() && Vault::parse(&"zz".repeat(32)).is_err());
    }
}
