//! What time it is; the only place that asks.

use std::sync::{Mutex, PoisonError};

/// Where a record is replayed, the time of the step that is done again.
static STANDS: Mutex<Option<String>> = Mutex::new(None);

/// Now, UTC, to the second, in RFC 3339.
pub fn now() -> String {
    if let Some(at) = &*STANDS.lock().unwrap_or_else(PoisonError::into_inner) {
        return at.clone();
    }
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Makes the clock of this process stand.
pub(crate) fn stand_at(at: &str) {
    *STANDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(at.to_owned());
}

/// Seconds since 1970 of a time that was written by [`now`]; none where it is not one.
pub fn seconds(at: &str) -> Option<i64> {
    at.parse::<jiff::Timestamp>().ok().map(|t| t.as_second())
}
