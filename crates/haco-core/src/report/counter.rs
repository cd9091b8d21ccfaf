//! What the same accepted work would have cost on the cloud model alone: tokens as they were recorded, times its price.

use crate::{config::Price, money, ticket::Ticket};
use serde::Serialize;

/// The cloud model that is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Cloud {
    /// The route's entry, or a model of the table.
    pub name: String,
    /// Its price.
    pub price: Price,
    /// Where the price comes from, for people.
    pub source: String,
}

/// The comparison, with everything that it takes for granted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    /// Which model.
    pub model: String,
    /// US dollars, had it needed one draft a ticket, as long as the one that was accepted.
    pub low_usd: f64,
    /// US dollars, had it needed every draft that was made.
    pub high_usd: f64,
    /// Accepted tickets whose tokens nobody counted; they are in neither.
    pub uncounted: u64,
    /// A sentence for each thing that was not measured.
    pub assumptions: Vec<String>,
}

/// The comparison for these accepted tickets, and their calls beside drafts (plan, audits) as `other` tokens of prompt and
/// reply; none where nothing was counted.
pub fn counterfactual(cloud: &Cloud, accepted: &[&Ticket], other: [u64; 2]) -> Option<Counterfactual> {
    let (mut low, mut high, mut uncounted) = ([0, 0], [0, 0], 0);
    for ticket in accepted {
        let counted = |a: &crate::attempt::Attempt| {
            let usage = a.steps.iter().filter_map(|s| s.usage.as_ref());
            usage.fold([0, 0], |[p, c], u| [p + u.prompt_tokens, c + u.completion_tokens])
        };
        let all: Vec<[u64; 2]> =
            ticket.attempts.iter().filter(|a| a.repeats.is_none()).map(counted).filter(|t| *t != [0, 0]).collect();
        let Some(last) = all.last() else {
            uncounted += 1;
            continue;
        };
        low = add(low, *last);
        high = all.iter().fold(high, |sum, tokens| add(sum, *tokens));
    }
    if high == [0, 0] {
        return None;
    }
    let usd = |tokens: [u64; 2]| money::of_tokens(cloud.price, add(tokens, other));
    let price = cloud.price;
    Some(Counterfactual {
        model: cloud.name.clone(),
        low_usd: usd(low),
        high_usd: usd(high),
        uncounted,
        assumptions: vec![
            format!(
                "${} a million tokens of prompt and ${} of reply: {}",
                price.input_usd_per_mtok, price.output_usd_per_mtok, cloud.source
            ),
            "it counts tokens as the models did that were asked, and caches nothing".to_owned(),
            "low: one draft a ticket, like the one that was accepted; high: every draft that was made".to_owned(),
            "planning and audits are the same calls, at its price".to_owned(),
        ],
    })
}

fn add(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ticket(tokens: &[(u64, u64)]) -> Ticket {
        let usage =
            |t: &(u64, u64)| json!({"prompt_tokens": t.0, "completion_tokens": t.1, "cost": "actual", "timing_ms": 1});
        let attempt = |(i, t): (usize, &(u64, u64))| {
            json!({"n": i + 1, "base": "a".repeat(40), "at": "2026-01-01T00:00:00Z",
                   "steps": [{"role": "worker", "model": "m", "outcome": "advance", "usage": usage(t)}]})
        };
        let attempts: Vec<Value> = tokens.iter().enumerate().map(attempt).collect();
        serde_json::from_value(json!({"id": "T-001", "title": "t", "type": "chore", "plan": "p",
            "task": {"description": "d"}, "definition_of_done": {}, "attempts": attempts}))
        .expect("a ticket")
    }

    /// By hand, at $1 and $10: low (1000 + 500)/1e6 + 10 (100 + 50)/1e6 = 0.003; high adds 2000/1e6 + 10 · 200/1e6 = 0.004;
    /// the audits add 100/1e6 + 10 · 10/1e6 = 0.0002 to both.
    #[test]
    fn the_accepted_draft_is_the_least_and_every_draft_the_most() {
        let price = Price { input_usd_per_mtok: 1.0, output_usd_per_mtok: 10.0 };
        let cloud = Cloud { name: "cloud".into(), price, source: "by hand".into() };
        let tickets = [ticket(&[(2000, 200), (1000, 100)]), ticket(&[(500, 50)]), ticket(&[])];
        let found = counterfactual(&cloud, &tickets.iter().collect::<Vec<_>>(), [100, 10]).expect("counted");
        assert!((found.low_usd - 0.0032).abs() < 1e-12, "{found:?}");
        assert!((found.high_usd - 0.0072).abs() < 1e-12, "{found:?}");
        assert_eq!(found.uncounted, 1);
        assert_eq!(counterfactual(&cloud, &[&tickets[2]], [100, 10]), None);
    }
}
