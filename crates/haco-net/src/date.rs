//! How long a server asks to wait: `Retry-After` in seconds or as a date, and `retry-after-ms`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The wait that these two header values ask for; `None` where neither can be read. A date in the past is no wait.
pub(crate) fn retry_after(millis: Option<&str>, after: Option<&str>, now: SystemTime) -> Option<Duration> {
    let seconds = |text: &str, unit: f64| {
        let number = text.trim().parse::<f64>().ok().filter(|n| *n >= 0.0)?;
        Duration::try_from_secs_f64(number * unit).ok()
    };
    let as_date = |text: &str| {
        let then = UNIX_EPOCH + Duration::from_secs(http_date(text.trim())?);
        Some(then.duration_since(now).unwrap_or_default())
    };
    millis
        .and_then(|text| seconds(text, 0.001))
        .or_else(|| after.and_then(|text| seconds(text, 1.0).or_else(|| as_date(text))))
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7, the only form still sent).
fn http_date(text: &str) -> Option<u64> {
    let fields: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = fields[..] else { return None };
    let number = |text: &str, max: u64| text.parse::<u64>().ok().filter(|n| *n <= max);
    let month = MONTHS.iter().position(|m| *m == month)? as u64 + 1;
    let (day, year) = (number(day, 31)?, number(year, 9999).filter(|y| *y >= 1970)?);
    let of_day = number(hour, 23)? * 3600 + number(minute, 59)? * 60 + number(second, 60)?;
    Some(days_since_1970(year, month, day.checked_sub(1)?) * 86_400 + of_day)
}

/// Days from 1970-01-01 to a day (counted from 0) of a month; years begin in March so that a leap day comes last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_as_the_calendar_counts_them() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        for text in
            ["", "now", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"]
        {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_seconds_milliseconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |ms, after| retry_after(ms, after, now);
        assert_eq!(wait(None, Some("3")), Some(Duration::from_secs(3)));
        assert_eq!(wait(Some("250"), Some("3")), Some(Duration::from_millis(250)));
        assert_eq!(wait(None, Some("Sun, 06 Nov 1994 08:49:47 GMT")), Some(Duration::from_secs(10)));
        assert_eq!(wait(None, Some("Sun, 06 Nov 1994 08:00:00 GMT")), Some(Duration::ZERO));
        for odd in ["-1", "NaN", "inf", "1e300", "soon", ""] {
            assert_eq!(wait(None, Some(odd)), None, "{odd}");
        }
    }
}
