//! The report as one object, by its schema.

use haco_core::report::{Cost, Report};
use serde_json::{Map, Value, json};

/// What `--json` shows.
pub(super) fn fields(report: &Report) -> Map<String, Value> {
    let usd = |cost: &Cost| json!(cost.usd);
    let models: Vec<Value> = report
        .models
        .iter()
        .map(|(name, used)| {
            json!({"name": name, "calls": used.calls, "prompt_tokens": used.prompt_tokens,
                   "completion_tokens": used.completion_tokens, "uncounted_calls": used.uncounted,
                   "cost_usd": usd(&used.cost), "cost": used.cost.kind(), "time_ms": used.time_ms,
                   "tokens_per_second": used.tokens_per_second(), "passed": used.passed,
                   "passed_first": used.passed_first, "accepted": used.accepted})
        })
        .collect();
    let role = |(name, part): (&String, &haco_core::report::Part)| {
        let each = (report.accepted > 0).then(|| part.cost.usd / report.accepted as f64);
        json!({"name": name, "calls": part.calls, "cost_usd": usd(&part.cost), "cost": part.cost.kind(),
               "cost_per_accepted_usd": each, "time_ms": part.time_ms})
    };
    let blocked: Vec<Value> = report.blocked.iter().map(|(code, ids)| json!({"code": code, "tickets": ids})).collect();
    let fields = [
        ("accepted", json!(report.accepted)),
        ("tickets", json!(report.tickets)),
        ("cost_usd", usd(&report.cost)),
        ("cost", json!(report.cost.kind())),
        ("unknown_cost_calls", json!(report.cost.unknown)),
        ("held_usd", json!(report.held.dollars())),
        ("cost_per_accepted_usd", json!(report.per_accepted())),
        ("local_finish", json!(report.local_finish)),
        ("one_shot", json!(report.one_shot)),
        ("attempts", json!(report.attempts)),
        ("retries", json!(report.retries)),
        ("escalated", json!(report.escalated)),
        ("supervisor_drafts", json!(report.by_supervisor)),
        ("time_ms", json!(report.time_ms)),
        ("checks_ms", json!(report.checks_ms)),
        ("waited_sec", json!(report.waited_sec)),
        ("cycle_sec", json!(report.cycle_sec)),
        ("accepted_per_hour", json!(report.throughput)),
        ("models", json!(models)),
        ("roles", report.roles.iter().map(role).collect()),
        ("blocked", json!(blocked)),
        ("counterfactual", json!(report.counterfactual)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_report_has_every_field_and_divides_by_nothing() {
        let fields = fields(&Report::default());
        assert_eq!((&fields["cost_per_accepted_usd"], &fields["cycle_sec"]), (&Value::Null, &Value::Null));
        assert_eq!(fields["one_shot"], json!({"n": 0, "of": 0, "low": null, "high": null}));
    }
}
