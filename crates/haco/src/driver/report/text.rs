//! The report in lines for people, and what left the machine.

use super::super::{gates, text::one_line};
use haco_core::{
    egress::Egress,
    money::Usd,
    report::{Rate, Report, Used},
};
use std::collections::BTreeMap;

/// The whole report, a line a thing.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let none = || "none accepted yet".to_owned();
    let rate = |rate: Rate| rate.text().unwrap_or_else(none);
    let each = match report.per_accepted() {
        None => none(),
        Some(usd) if report.cost.unknown > 0 => format!("${usd:.4} at least"),
        Some(usd) => format!("${usd:.4}"),
    };
    let mut lines = vec![
        format!("accepted      {} of {}", report.accepted, report.tickets),
        format!("cost          {}", report.cost.text()),
        format!("per accepted  {each}{}", parts(report)),
        format!("local finish  {}", rate(report.local_finish)),
        format!("one shot      {}", rate(report.one_shot)),
        format!(
            "attempts      {}, {} of them again; {} tickets escalated",
            report.attempts, report.retries, report.escalated
        ),
        format!("model time    {}", seconds(report.time_ms)),
        format!("check time    {}", seconds(report.checks_ms)),
        format!("people        {} waited for them", long(report.waited_sec)),
    ];
    if report.held > Usd::ZERO {
        lines.insert(2, format!("held          {} for calls that nobody settled", report.held));
    }
    if let Some(cycle) = report.cycle_sec {
        let (median, p90) = (long(cycle.median), long(cycle.p90));
        lines.push(format!("cycle         {median} from approval to acceptance, nine in ten within {p90}"));
    }
    if let Some(throughput) = report.throughput {
        lines.push(format!("throughput    {throughput:.1} accepted an hour"));
    }
    if report.by_supervisor > 0 {
        lines.push(format!("supervisor    {} drafts, at its own cost", report.by_supervisor));
    }
    lines.extend(report.models.iter().map(|(name, used)| format!("model         {}", model(name, used))));
    lines.extend(report.roles.iter().map(|(name, part)| {
        let name = one_line(name);
        format!("role          {name}: {} calls, {}, {}", part.calls, seconds(part.time_ms), part.cost.text())
    }));
    for (code, ids) in &report.blocked {
        lines.push(format!("blocked       {}: {}", one_line(code), gates::list(ids)));
    }
    lines.extend(cloud(report));
    lines
}

/// ` (auditor $0.0100, worker $0.0200)`, where there is more than nothing.
fn parts(report: &Report) -> String {
    let accepted = report.accepted as f64;
    let paid = report.roles.iter().filter(|(_, part)| part.cost.usd > 0.0 && accepted > 0.0);
    let parts: Vec<String> =
        paid.map(|(role, part)| format!("{} ${:.4}", one_line(role), part.cost.usd / accepted)).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn model(name: &str, used: &Used) -> String {
    let tokens = format!("{} + {} tokens", used.prompt_tokens, used.completion_tokens);
    let missing = if used.uncounted > 0 { format!(", {} calls uncounted", used.uncounted) } else { String::new() };
    let speed = used.tokens_per_second().map_or(String::new(), |speed| format!(", {speed:.1} tokens a second"));
    let passed = used.passed.text().map_or(String::new(), |rate| format!(", passed {rate}"));
    let cost = used.cost.text();
    format!(
        "{}: {} calls, {tokens}{missing}{speed}, {cost}{passed}, {} accepted",
        one_line(name),
        used.calls,
        used.accepted
    )
}

/// What the cloud alone would have cost, with what that takes for granted.
fn cloud(report: &Report) -> Vec<String> {
    let Some(cloud) = &report.counterfactual else { return Vec::new() };
    let name = one_line(&cloud.model);
    let mut lines = vec![format!("cloud alone   ${:.4} to ${:.4} with '{name}'", cloud.low_usd, cloud.high_usd)];
    if cloud.uncounted > 0 {
        lines.push(format!("              without {} tickets whose tokens nobody counted", cloud.uncounted));
    }
    lines.extend(cloud.assumptions.iter().map(|why| format!("              {}", one_line(why))));
    lines
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}

/// `45 s`, `12 min`, `3.5 h`, `2.1 d`.
pub(super) fn long(seconds: u64) -> String {
    let of = |unit: f64| seconds as f64 / unit;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{:.0} min", of(60.0)),
        7200..172_800 => format!("{:.1} h", of(3600.0)),
        _ => format!("{:.1} d", of(86_400.0)),
    }
}

/// What each origin got, then each call.
pub(super) fn egress(all: &[Egress]) -> Vec<String> {
    let mut origins: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for call in all {
        let (calls, bytes) = origins.entry(&call.origin).or_default();
        (*calls, *bytes) = (*calls + 1, *bytes + call.bytes);
    }
    if all.is_empty() {
        return vec!["nothing left this machine".to_owned()];
    }
    let mut lines: Vec<String> = origins
        .iter()
        .map(|(origin, (calls, bytes))| format!("origin  {}  {calls} calls  {bytes} bytes", one_line(origin)))
        .collect();
    lines.extend(all.iter().map(|call| {
        let about = call.ticket.as_ref().map(ToString::to_string).or(call.plan.as_ref().map(ToString::to_string));
        let files: Vec<String> = call.files.iter().map(|f| format!("{} {}", one_line(&f.path), f.bytes)).collect();
        let files = if files.is_empty() { "no file".to_owned() } else { files.join(", ") };
        let (at, role, about) =
            (one_line(&call.at), one_line(&call.role), about.unwrap_or_else(|| "prompt".to_owned()));
        format!("{at}  {about}  {role}  {}  {} bytes: {files}", one_line(&call.origin), call.bytes)
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_report_divides_by_nothing() {
        let lines = lines(&Report::default()).join("\n");
        assert!(
            lines.contains("per accepted  none accepted yet") && lines.contains("cost          $0.0000"),
            "{lines}"
        );
    }

    #[test]
    fn a_while_is_said_in_its_own_unit() {
        assert_eq!([119, 120, 7200, 172_800].map(long), ["119 s", "2 min", "2.0 h", "2.0 d"]);
    }

    #[test]
    fn no_call_is_said_and_a_call_is_a_line_that_nobody_can_forge() {
        assert_eq!(egress(&[]), ["nothing left this machine"]);
        let call = Egress {
            at: "2026-01-01T00:00:00Z".into(),
            role: "worker".into(),
            plan: None,
            ticket: None,
            model: "m".into(),
            origin: "https://h:443".into(),
            bytes: 40,
            files: vec![haco_core::egress::Sent { path: "a\nb".into(), bytes: 12 }],
        };
        let lines = egress(&[call.clone(), call]);
        assert_eq!((lines.len(), lines[0].as_str()), (3, "origin  https://h:443  2 calls  80 bytes"));
        assert!(lines[1].ends_with(" 12") && !lines[1].contains('\n'), "{lines:?}");
    }
}
