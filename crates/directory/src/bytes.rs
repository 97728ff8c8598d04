//! Sizes as people write them: `10GB` is 10^10 bytes, `10GiB` is 10 * 2^30.

use std::fmt;

/// A number of bytes; 0 means unlimited where it is a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Bytes(u64);

const UNITS: [(&str, u64); 11] = [
    ("PiB", 1 << 50),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("PB", 1_000_000_000_000_000),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl TryFrom<u64> for Bytes {
    type Error = String;

    fn try_from(bytes: u64) -> Result<Self, String> {
        // What the database's integers hold.
        match i64::try_from(bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(format!("{bytes} bytes are more than anybody can have")),
        }
    }
}

impl From<Bytes> for u64 {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl Bytes {
    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::str::FromStr for Bytes {
    type Err = String;

    /// Reads a whole number with a unit, or without one for bytes.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let factor = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .map(|&(_, factor)| factor);
        let factor = if unit.is_empty() { Some(1) } else { factor };
        number
            .parse::<u64>()
            .ok()
            .zip(factor)
            .and_then(|(number, factor)| number.checked_mul(factor))
            // What the database's integers hold.
            .filter(|&bytes| i64::try_from(bytes).is_ok())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no size; write a whole number with a unit, such as 50GB or 10GiB, or 0 for unlimited"))
    }
}

/// In the largest unit that keeps the number whole; `unlimited` for 0.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("unlimited");
        }
        let whole = |&&(_, factor): &&(&str, u64)| self.0.is_multiple_of(factor);
        match UNITS
            .iter()
            .filter(whole)
            .min_by_key(|(_, factor)| self.0 / factor)
        {
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
            None => write!(f, "{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_and_binary_units_differ() {
        assert_eq!("10GB".parse::<Bytes>().unwrap().get(), 10_000_000_000);
        assert_eq!("10 gib".parse::<Bytes>().unwrap().get(), 10 << 30);
        assert_eq!("0".parse::<Bytes>().unwrap().to_string(), "unlimited");
    }

    #[test]
    fn shows_what_was_written() {
        for text in ["50 GB", "10 GiB", "1 TB", "1500 MB", "7 B"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "GB", "-1GB", "1.5GB", "10XB", "99999999PB"] {
            assert!(text.parse::<Bytes>().unwrap_err().contains("50GB"), "{text}");
        }
    }
}
