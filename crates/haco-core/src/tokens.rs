//! How many tokens a prompt will be, from what a model's server counted before; how many a window holds beside the reply.
//!
//! Published tokenizers make 3 to 4.5 bytes of code one token, so the first guess of 3 is rather too many tokens than too
//! few. What a server counted takes the guess's place, the densest text of all that was seen.

use serde::{Deserialize, Serialize};

/// One prompt that a server counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its length.
    pub bytes: u64,
    /// As the server said.
    pub tokens: u64,
}

/// Tokens a byte of one family of models, between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// No prompt of this family had fewer, with room for repetitive text.
    pub least: f64,
    /// No prompt of this family had more, with a little room.
    pub most: f64,
    /// How many prompts say so; 0 is the first guess.
    pub seen: usize,
}

/// What a prompt is expected to be, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// A server that counts fewer did not see all of it.
    pub least: u64,
    /// What it must have room for.
    pub most: u64,
}

/// Below this a count says more about the template around a prompt than about the prompt.
const FEWEST_TOKENS: u64 = 256;
/// So many prompts, and fewer tokens than any of them had mean that a prompt was cut.
const ENOUGH: usize = 3;
/// Of the fewest tokens a byte that were seen: one prompt may be more repetitive than those before it.
const SLACK: f64 = 0.6;
/// Bytes that are not ASCII are half a token each at least, in every published tokenizer's worst case for letters.
const OTHER: f64 = 0.5;

impl Default for Ratio {
    fn default() -> Ratio {
        Ratio { least: 0.125, most: 0.3334, seen: 0 }
    }
}

impl Ratio {
    /// From what a family's servers counted; counts that no tokenizer makes are left out.
    pub fn measured(counted: impl IntoIterator<Item = Counted>) -> Ratio {
        let ratio = |c: Counted| (c.tokens >= FEWEST_TOKENS).then(|| c.tokens as f64 / c.bytes.max(1) as f64);
        let ratios: Vec<f64> =
            counted.into_iter().filter_map(ratio).filter(|r| (1.0 / 16.0..=1.5).contains(r)).collect();
        let guess = Ratio::default();
        let Some(most) = ratios.iter().copied().reduce(f64::max) else { return guess };
        let fewest = ratios.iter().copied().fold(f64::INFINITY, f64::min) * SLACK;
        let least = if ratios.len() >= ENOUGH { fewest } else { fewest.min(guess.least) };
        // Four digits, so that what is recorded of it reads back as it was.
        Ratio { least, most: (most * 1.05 * 10_000.0).ceil() / 10_000.0, seen: ratios.len() }
    }

    /// What `text` will be.
    pub fn estimate(&self, text: &str) -> Estimate {
        let other = text.bytes().filter(|b| !b.is_ascii()).count() as f64;
        let ascii = text.len() as f64 - other;
        let most = ascii * self.most + other * self.most.max(OTHER);
        Estimate { least: (text.len() as f64 * self.least) as u64, most: most.ceil() as u64 }
    }

    /// How many bytes of plain text this many tokens are at least.
    pub fn bytes(&self, tokens: u64) -> usize {
        (tokens as f64 / self.most) as usize
    }
}

/// The family of a model, which shares a tokenizer: the name without who serves it and which size it is
/// (`qwen/qwen2.5-coder:32b` is of `qwen2.5-coder`).
pub fn family(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    name.split(':').next().unwrap_or(name)
}

/// How many tokens of a prompt a window holds beside a reply of `reply` tokens; half of it at least.
pub fn room(window: u64, reply: u64) -> u64 {
    window.saturating_sub(reply).max(window / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pairs: &[(u64, u64)]) -> Ratio {
        Ratio::measured(pairs.iter().map(|&(bytes, tokens)| Counted { bytes, tokens }))
    }

    #[test]
    fn the_first_guess_is_rather_too_many_tokens() {
        let guess = Ratio::default();
        assert_eq!(guess.estimate(&"x".repeat(3000)), Estimate { least: 375, most: 1001 });
        assert_eq!(guess.estimate(&"é".repeat(1000)).most, 1000, "other letters are dearer");
        assert_eq!(guess.estimate(""), Estimate { least: 0, most: 0 });
    }

    #[test]
    fn what_was_counted_takes_the_guesses_place_the_densest_first() {
        let ratio = counted(&[(4000, 1000), (5000, 1000), (4400, 1000)]);
        assert_eq!(ratio.seen, 3);
        assert_eq!(ratio.estimate(&"x".repeat(4000)), Estimate { least: 480, most: 1050 });
        let two = counted(&[(4000, 1000), (5000, 1000)]);
        assert_eq!(two.least, 0.12, "two prompts do not make a rule for what was cut");
    }

    #[test]
    fn counts_that_no_tokenizer_makes_are_left_out() {
        for nonsense in [(100, 30), (1_000_000, 300), (10, 4000), (0, 0), (u64::MAX, u64::MAX / 32)] {
            assert_eq!(counted(&[nonsense]), Ratio::default(), "{nonsense:?}");
        }
    }

    #[test]
    fn sizes_and_servers_of_one_model_are_one_family() {
        for name in ["qwen2.5-coder:32b", "qwen/qwen2.5-coder", "qwen2.5-coder"] {
            assert_eq!(family(name), "qwen2.5-coder");
        }
        assert_eq!((family(""), family("a/")), ("", ""));
    }

    #[test]
    fn a_window_keeps_room_for_the_reply_but_never_more_than_half() {
        assert_eq!([room(8192, 2048), room(4096, 9000), room(0, 1)], [6144, 2048, 0]);
        assert_eq!(Ratio::default().bytes(1000), 2999);
    }
}
