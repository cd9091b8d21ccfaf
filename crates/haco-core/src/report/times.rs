//! How long work took, in seconds: from one point of a ticket's life to the next, in models, in checks, and for people.

/// Points of one ticket's life, in seconds since 1970; none where it did not come to that, or nobody wrote it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// It was written.
    pub made: Option<i64>,
    /// A person approved its contract first.
    pub approved: Option<i64>,
    /// Its auditor passed what was accepted.
    pub audited: Option<i64>,
    /// A person accepted it last.
    pub accepted: Option<i64>,
}

impl Life {
    /// Scope approved to accepted.
    pub fn cycle(&self) -> Option<u64> {
        between(self.approved, self.accepted)
    }

    /// What it waited for people, at both gates.
    pub fn waited(&self) -> u64 {
        between(self.made, self.approved).unwrap_or(0) + between(self.audited, self.accepted).unwrap_or(0)
    }
}

fn between(from: Option<i64>, to: Option<i64>) -> Option<u64> {
    u64::try_from(to?.checked_sub(from?)?).ok()
}

/// A few numbers about many.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Spread {
    /// How many there are.
    pub n: u64,
    /// Half of them took no longer.
    pub median: u64,
    /// Nine in ten took no longer.
    pub p90: u64,
}

impl Spread {
    /// Of these, in any order; none of none.
    pub fn of(mut all: Vec<u64>) -> Option<Spread> {
        all.sort_unstable();
        let at = |share: f64| all.get(((all.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
        Some(Spread { n: all.len() as u64, median: at(0.5)?, p90: at(0.9)? })
    }
}

/// Accepted tickets an hour, between the first approval and the last acceptance; none for less than two points in time.
pub fn throughput(lives: &[Life]) -> Option<f64> {
    let first = lives.iter().filter_map(|l| l.approved).min()?;
    let accepted: Vec<i64> = lives.iter().filter_map(|l| l.accepted).collect();
    let hours = between(Some(first), accepted.iter().copied().max())? as f64 / 3600.0;
    (hours > 0.0).then(|| accepted.len() as f64 / hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_measured_from_gate_to_gate() {
        let life = Life { made: Some(100), approved: Some(160), audited: Some(400), accepted: Some(1000) };
        assert_eq!((life.cycle(), life.waited()), (Some(840), 660));
        let backwards = Life { approved: Some(10), accepted: Some(5), ..Life::default() };
        assert_eq!((backwards.cycle(), backwards.waited()), (None, 0));
    }

    #[test]
    fn half_and_nine_in_ten_are_of_those_that_there_are() {
        assert_eq!(Spread::of(vec![]), None);
        assert_eq!(Spread::of(vec![7]), Some(Spread { n: 1, median: 7, p90: 7 }));
        assert_eq!(Spread::of((1..=10).rev().collect()), Some(Spread { n: 10, median: 5, p90: 9 }));
    }

    #[test]
    fn two_tickets_in_half_an_hour_are_four_an_hour() {
        let life = |approved, accepted| Life { approved: Some(approved), accepted, ..Life::default() };
        assert_eq!(throughput(&[life(0, Some(900)), life(600, Some(1800)), life(700, None)]), Some(4.0));
        assert_eq!(throughput(&[life(0, None)]), None);
    }
}
