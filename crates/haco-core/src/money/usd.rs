//! An exact amount of money: whole billionths of a US dollar, so that sums lose nothing.

use serde::{Deserialize, Serialize};
use std::{fmt, iter::Sum, ops::Add};

const NANO: f64 = 1e9;

/// Billionths of a US dollar; as large as a number in JSON is exact, some nine million dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Usd = Usd(0);
    /// More than any call or cap.
    pub const MOST: Usd = Usd((1 << 53) - 1);

    /// This many billionths.
    pub fn nano(nano: u64) -> Usd {
        Usd(nano).min(Usd::MOST)
    }

    /// Dollars, rounded up, so that an amount that is held is never too small. What is no amount is nothing.
    pub fn up(dollars: f64) -> Usd {
        // A product of two decimals may be a hair above the amount that was meant.
        Usd::of(dollars, |nano| (nano - 1e-6).ceil())
    }

    /// Dollars, rounded down, so that a cap is never too large.
    pub fn down(dollars: f64) -> Usd {
        Usd::of(dollars, |nano| (nano + 1e-6).floor())
    }

    fn of(dollars: f64, round: impl Fn(f64) -> f64) -> Usd {
        let nano = round(dollars * NANO);
        // A cast saturates, and takes what is no number for nothing.
        Usd(nano.max(0.0) as u64).min(Usd::MOST)
    }

    /// In dollars, for people and for JSON.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANO
    }

    /// What is left of it.
    pub fn less(self, other: Usd) -> Usd {
        Usd(self.0.saturating_sub(other.0))
    }

    /// So many times.
    pub fn times(self, n: u64) -> Usd {
        Usd(self.0.saturating_mul(n)).min(Usd::MOST)
    }
}

impl Add for Usd {
    type Output = Usd;
    fn add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0)).min(Usd::MOST)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(all: I) -> Usd {
        all.fold(Usd::ZERO, Add::add)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.4}", self.dollars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_rounded_up_and_a_cap_down() {
        assert_eq!((Usd::up(0.1), Usd::down(0.1)), (Usd::nano(100_000_000), Usd::nano(100_000_000)));
        assert_eq!((Usd::up(1.5e-9), Usd::down(1.5e-9)), (Usd::nano(2), Usd::nano(1)));
        assert_eq!(Usd::up(0.1 + 0.2), Usd::nano(300_000_000));
        for none in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(Usd::up(none), Usd::ZERO);
        }
        assert_eq!(Usd::up(f64::INFINITY), Usd::MOST);
        assert_eq!(Usd::MOST + Usd::nano(1), Usd::MOST);
    }

    #[test]
    fn a_million_cents_are_ten_thousand_dollars() {
        let all: Usd = std::iter::repeat_n(Usd::up(0.01), 1_000_000).sum();
        assert_eq!(all, Usd::up(10_000.0));
        assert_eq!(all.to_string(), "$10000.0000");
    }
}
