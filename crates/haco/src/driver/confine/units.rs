//! Times and sizes as they are typed.

use std::time::Duration;

const TIMES: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];
const SIZES: [&str; 4] = ["K", "M", "G", "T"];
/// A year: whoever means for ever means less.
const LONGEST_SEC: f64 = 366.0 * 86400.0;

/// A time with its unit, or in seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = split(text);
    let factor = match unit {
        "" => Some(1.0),
        unit => TIMES.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    let seconds = digits.parse::<f64>().ok().zip(factor).map(|(number, factor)| number * factor);
    match seconds {
        Some(seconds) if seconds > 0.0 && seconds <= LONGEST_SEC => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a time is a number with ms, s, m, h or d, as in 60s".to_owned()),
    }
}

/// A size with its unit, a power of 1024, or in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = split(text);
    let unit = unit.trim_end_matches("iB").trim_end_matches('B').to_uppercase();
    let power = match unit.as_str() {
        "" => Some(0),
        unit => SIZES.iter().position(|name| *name == unit).map(|at| at + 1),
    };
    let bytes = digits.parse::<u64>().ok().zip(power).and_then(|(number, power)| number.checked_mul(1 << (10 * power)));
    bytes.ok_or_else(|| "a size is a whole number with K, M, G or T, as in 10M".to_owned())
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in
            [("60s", 60_000), ("2m", 120_000), ("500ms", 500), ("1.5s", 1500), ("5", 5000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0", "s", "-1s", "1 s", "1y", "1e9", "1.2.3s", "99999999d", "NaN", "inf"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in
            [("0", 0), ("7", 7), ("10M", 10 << 20), ("2G", 2 << 30), ("1k", 1024), ("3MiB", 3 << 20), ("1TB", 1 << 40)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1.5G", "1P", "99999999999T", "1 M", "0x10"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
