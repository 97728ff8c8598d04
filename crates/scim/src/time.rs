//! `dateTime` values compared as points in time (RFC 7643 section 2.3.5, RFC 3339).

/// Nanoseconds since 1970-01-01T00:00:00Z, or `None` for what is no date and time. A missing offset counts as UTC.
pub fn instant(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || !text.is_ascii() {
        return None;
    }
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| bytes[at] != byte) || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        bytes[from..to].iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let (nanos, rest) = fraction(&text[19..])?;
    let seconds =
        days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(rest)?;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

/// The fraction's nanoseconds and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(digits) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let padded = format!("{:0<9}", &digits[..end.min(9)]);
    Some((padded.parse().ok()?, &digits[end..]))
}

/// Seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..]
        .split_once(':')
        .or_else(|| text.get(1..3).zip(text.get(3..)))?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && (0..60).contains(&minutes)).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March so that a leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_in_two_offsets_is_equal() {
        assert_eq!(instant("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            instant("2011-05-13T04:42:34+02:00"),
            instant("2011-05-13T02:42:34.000Z")
        );
        assert_eq!(instant("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500_000_000));
        assert!(instant("2011-05-13T04:42:34Z") < instant("2011-05-13T04:42:34.001Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2011-05-13",
            "2023-02-29T00:00:00Z",
            "2011-13-13T04:42:34Z",
            "2011-05-13T04:42:34.Z",
            "x",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
