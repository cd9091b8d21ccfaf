//! A share of few cases, with how far it can be believed.

use serde::{Serialize, Serializer};

/// Two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A rate: `n` of `of`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// That many.
    pub n: u64,
    /// Of so many.
    pub of: u64,
}

impl Rate {
    /// Counts one more.
    pub fn count(&mut self, yes: bool) {
        self.n += u64::from(yes);
        self.of += 1;
    }

    /// The share, where there is anything.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.n as f64 / self.of as f64)
    }

    /// The 95 % interval of the share after Wilson (1927), which holds for few cases too.
    pub fn interval(self) -> Option<(f64, f64)> {
        let share = self.share()?;
        let of = self.of as f64;
        let spread = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
        let centre = share + Z * Z / (2.0 * of);
        let bound = |at: f64| (at / (1.0 + Z * Z / of)).clamp(0.0, 1.0);
        Some((bound(centre - spread), bound(centre + spread)))
    }

    /// In words: `8 of 10 (80 %, 49 to 94)`.
    pub fn text(self) -> Option<String> {
        let (share, (low, high)) = (self.share()?, self.interval()?);
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        Some(format!("{} of {} ({} %, {} to {})", self.n, self.of, percent(share), percent(low), percent(high)))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let round = |share: f64| (share * 1e4).round() / 1e4;
        let (low, high) = self.interval().map(|(low, high)| (round(low), round(high))).unzip();
        serde_json::json!({"n": self.n, "of": self.of, "low": low, "high": high}).serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: with z² = 3.8415, 8 of 10 has the centre (0.8 + 0.19207) / 1.38415 = 0.71674 and the half-width
    /// 1.95996 · √(0.016 + 0.0096036) / 1.38415 = 0.22657.
    #[test]
    fn the_interval_is_wilsons() {
        let near = |rate: Rate, low: f64, high: f64| {
            let (l, h) = rate.interval().expect("cases");
            assert!((l - low).abs() < 5e-4 && (h - high).abs() < 5e-4, "{rate:?}: {l} to {h}");
        };
        near(Rate { n: 8, of: 10 }, 0.4902, 0.9433);
        near(Rate { n: 0, of: 1 }, 0.0, 0.7935);
        near(Rate { n: 3, of: 3 }, 0.4385, 1.0);
        assert_eq!(Rate { n: 8, of: 10 }.text().as_deref(), Some("8 of 10 (80 %, 49 to 94)"));
    }

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!((Rate::default().share(), Rate::default().text()), (None, None));
        assert_eq!(serde_json::json!(Rate::default()), serde_json::json!({"n": 0, "of": 0, "low": null, "high": null}));
    }
}
