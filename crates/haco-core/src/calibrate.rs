//! What the record says of each model, and the route and the tries that it speaks for. Nothing is asked and nothing guessed:
//! what was seen too seldom changes nothing.

use crate::{
    edit::Format,
    report::{Rate, Spread},
    route::{Entry, When},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Fewer cases say nothing.
pub const ENOUGH: u64 = 5;
/// A try that passes more seldom is not worth its time.
const WORTH: f64 = 0.1;
/// A size of prompts whose interval lies wholly below this is too large for a model.
const TOO_SELDOM: f64 = 0.5;
/// Where the sizes of prompts end, in tokens; behind the last there is no end.
const SIZES: [u64; 3] = [2_000, 8_000, 24_000];

/// One draft of a model, as the record has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The route's entry.
    pub model: String,
    /// Whether it may cost money.
    pub paid: bool,
    /// Of the prompt.
    pub prompt_bytes: u64,
    /// As the server counted, prompt and reply; none where it did not.
    pub tokens: Option<[u64; 2]>,
    /// Milliseconds on the wall.
    pub timing_ms: u64,
    /// What the server said that the model's window is.
    pub window: Option<u64>,
    /// The form that was asked for.
    pub format: Option<Format>,
    /// Whether the reply could be applied.
    pub applied: bool,
    /// Whether every check passed.
    pub passed: bool,
    /// Which of the model's tries of its ticket it was, from 1.
    pub nth: u32,
}

/// What is known of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Known {
    /// Whether it may cost money.
    pub paid: bool,
    /// Drafts that were made.
    pub drafts: u64,
    /// What the server said last; none where it never did.
    pub window: Option<u64>,
    /// The longest prompt that it answered, in tokens of its own.
    pub longest_prompt: u64,
    /// Tokens of replies a second of a call, half of the calls had no more.
    pub tokens_per_second: Option<Spread>,
    /// Bytes of prompts that were one token, over all of them.
    pub bytes_per_token: Option<f64>,
    /// Replies that could be applied, by the form that was asked for.
    pub formats: BTreeMap<String, Rate>,
    /// Drafts that passed every check.
    pub passed: Rate,
    /// The same by the size of their prompts, in tokens: up to so many, and `more`.
    pub by_size: BTreeMap<String, Rate>,
    /// The same by which of the model's tries it was.
    pub by_try: BTreeMap<u32, Rate>,
}

/// What is known of every model that drafted.
pub fn known(drafts: &[Draft]) -> BTreeMap<String, Known> {
    let mut all: BTreeMap<String, Known> = BTreeMap::new();
    let mut bytes: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    let mut speeds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for draft in drafts {
        let known = all.entry(draft.model.clone()).or_default();
        known.count(draft);
        if let Some([prompt, reply]) = draft.tokens {
            let [sent, counted] = bytes.entry(&draft.model).or_default();
            (*sent, *counted) = (*sent + draft.prompt_bytes, *counted + prompt);
            if draft.timing_ms > 0 && reply > 0 {
                speeds.entry(&draft.model).or_default().push(reply * 1000 / draft.timing_ms);
            }
        }
    }
    for (name, known) in &mut all {
        known.tokens_per_second = speeds.remove(name.as_str()).and_then(Spread::of);
        let [sent, counted] = bytes.get(name.as_str()).copied().unwrap_or_default();
        known.bytes_per_token = (counted > 0).then(|| (sent as f64 / counted as f64 * 100.0).round() / 100.0);
    }
    all
}

impl Known {
    fn count(&mut self, draft: &Draft) {
        self.paid |= draft.paid;
        self.drafts += 1;
        self.window = draft.window.or(self.window);
        self.passed.count(draft.passed);
        self.by_try.entry(draft.nth).or_default().count(draft.passed);
        if let Some(format) = draft.format {
            self.formats.entry(word(format)).or_default().count(draft.applied);
        }
        if let Some([prompt, _]) = draft.tokens {
            self.longest_prompt = self.longest_prompt.max(prompt);
            self.by_size.entry(size(prompt)).or_default().count(draft.passed);
        }
    }

    /// Retries that were worth their time: those before the first that passed too seldom; none where none did.
    fn retries(&self) -> Option<u32> {
        // The first is made in any case: its failing output is what the second learns from.
        let mut again = self.by_try.iter().filter(|(n, rate)| **n > 1 && rate.of >= ENOUGH);
        let (wasted, _) = again.find(|(_, rate)| rate.share().is_some_and(|share| share < WORTH))?;
        Some(wasted.saturating_sub(2))
    }

    /// The most tokens of a prompt up to which it is worth asking; none where nothing speaks against longer ones.
    fn most_tokens(&self) -> Option<u64> {
        let too_long = |of: &str| {
            self.by_size
                .get(of)
                .is_some_and(|rate| rate.of >= ENOUGH && rate.interval().is_some_and(|(_, high)| high < TOO_SELDOM))
        };
        let longer = SIZES.iter().skip(1).map(u64::to_string).chain(["more".to_owned()]);
        SIZES.iter().copied().zip(longer).find(|(_, of)| too_long(of)).map(|(most, _)| most)
    }
}

fn word(format: Format) -> String {
    serde_json::json!(format).as_str().unwrap_or_default().to_owned()
}

fn size(tokens: u64) -> String {
    SIZES.iter().find(|most| tokens <= **most).map_or_else(|| "more".to_owned(), u64::to_string)
}

/// What the record speaks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// The worker's route; none where it stays as it is.
    pub route: Option<Vec<Entry>>,
    /// Tries after the first, of models for which they change.
    pub retry_budget: BTreeMap<String, u32>,
    /// A sentence for each change, and for each model of which too little is known.
    pub why: Vec<String>,
}

/// The proposal for this route, where `retries` are the tries in force after a model's first.
pub fn propose(known: &BTreeMap<String, Known>, route: &[Entry], retries: impl Fn(&str) -> u32) -> Proposal {
    let mut proposal = Proposal::default();
    let mut next: Vec<Entry> = route.to_vec();
    let enough = |name: &str| known.get(name).filter(|k| k.drafts >= ENOUGH);
    for entry in route {
        let Some(k) = enough(&entry.model) else {
            let drafts = known.get(&entry.model).map_or(0, |k| k.drafts);
            proposal.why.push(format!("'{}': {drafts} drafts say too little", entry.model));
            continue;
        };
        if let Some(n) = k.retries().filter(|n| *n != retries(&entry.model)) {
            proposal.retry_budget.insert(entry.model.clone(), n);
            proposal.why.push(format!("'{}': its try {} seldom passes", entry.model, n + 2));
        }
    }
    // What somebody said of an entry stays, and so does the last one: it takes what the others do not.
    for entry in next.iter_mut().rev().skip(1).filter(|e| e.when == When::default()) {
        if let Some(most) = enough(&entry.model).and_then(Known::most_tokens) {
            entry.when.max_prompt_tokens = Some(most);
            proposal.why.push(format!("'{}': longer prompts than {most} tokens seldom pass", entry.model));
        }
    }
    sort(&mut next, known, &mut proposal.why);
    proposal.route = (next != route).then_some(next);
    proposal
}

/// Neighbours of one price change places where their intervals lie apart: what costs nothing stays before what does.
fn sort(route: &mut [Entry], known: &BTreeMap<String, Known>, why: &mut Vec<String>) {
    let better = |a: &Entry, b: &Entry| {
        let (Some(x), Some(y)) = (known.get(&a.model), known.get(&b.model)) else { return false };
        let apart = x.passed.interval().zip(y.passed.interval()).is_some_and(|((low, _), (_, high))| low > high);
        apart && x.paid == y.paid && [x, y].iter().all(|k| k.drafts >= ENOUGH)
    };
    for end in (1..route.len()).rev() {
        for i in 0..end {
            if better(&route[i + 1], &route[i]) {
                why.push(format!("'{}' passes more often than '{}'", route[i + 1].model, route[i].model));
                route.swap(i, i + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` drafts of which the first `passed` pass.
    fn drafts(model: &str, tokens: u64, nth: u32, (passed, n): (u64, u64)) -> Vec<Draft> {
        let one = |i| Draft {
            model: model.into(),
            prompt_bytes: tokens * 3,
            tokens: Some([tokens, 50]),
            timing_ms: 1000,
            window: Some(32_768),
            format: Some(Format::Whole),
            applied: i < passed,
            passed: i < passed,
            nth,
            ..Draft::default()
        };
        (0..n).map(one).collect()
    }

    fn route(names: &[&str]) -> Vec<Entry> {
        names.iter().map(|name| Entry::from(*name)).collect()
    }

    #[test]
    fn the_record_is_counted_by_form_size_and_try() {
        let all = [drafts("a", 1000, 1, (3, 4)), drafts("a", 9000, 2, (0, 1))].concat();
        let a = &known(&all)["a"];
        assert_eq!((a.drafts, a.window, a.longest_prompt), (5, Some(32_768), 9000));
        assert_eq!(a.formats["whole"], Rate { n: 3, of: 5 });
        assert_eq!((a.by_size["2000"], a.by_size["24000"]), (Rate { n: 3, of: 4 }, Rate { n: 0, of: 1 }));
        assert_eq!((a.by_try[&1], a.by_try[&2]), (Rate { n: 3, of: 4 }, Rate { n: 0, of: 1 }));
        assert_eq!((a.bytes_per_token, a.tokens_per_second.map(|s| s.median)), (Some(3.0), Some(50)));
    }

    #[test]
    fn too_few_drafts_change_nothing_and_say_so() {
        let found = propose(&known(&drafts("a", 1000, 1, (0, 4))), &route(&["a", "b"]), |_| 3);
        assert_eq!((found.route, found.retry_budget.len()), (None, 0));
        assert_eq!(found.why, ["'a': 4 drafts say too little", "'b': 0 drafts say too little"]);
    }

    #[test]
    fn a_try_that_never_passes_is_not_made_again() {
        let all = [drafts("a", 1000, 1, (5, 10)), drafts("a", 1000, 2, (2, 5)), drafts("a", 1000, 3, (0, 5))].concat();
        let found = propose(&known(&all), &route(&["a"]), |_| 3);
        assert_eq!(found.retry_budget, BTreeMap::from([("a".to_owned(), 1)]));
        assert!(propose(&known(&all), &route(&["a"]), |_| 1).retry_budget.is_empty(), "it is so already");
    }

    #[test]
    fn prompts_that_are_too_long_go_to_the_next_of_the_route() {
        let all = [drafts("a", 1000, 1, (9, 10)), drafts("a", 9000, 1, (0, 5)), drafts("b", 9000, 1, (4, 5))].concat();
        let found = propose(&known(&all), &route(&["a", "b"]), |_| 3).route.expect("changed");
        assert_eq!(found[0].when.max_prompt_tokens, Some(8000));
        assert_eq!(found[1], Entry::from("b"), "the last one takes everything");
    }

    #[test]
    fn a_better_model_goes_first_and_a_paid_one_never_before_a_free_one() {
        let all = [drafts("a", 1000, 1, (0, 20)), drafts("b", 1000, 1, (20, 20))].concat();
        let mut known = known(&all);
        assert_eq!(propose(&known, &route(&["a", "b"]), |_| 3).route, Some(route(&["b", "a"])));
        known.get_mut("b").expect("known").paid = true;
        assert_eq!(propose(&known, &route(&["a", "b"]), |_| 3).route, None);
    }
}
