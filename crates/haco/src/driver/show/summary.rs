//! One ticket in ten lines: its contract, its attempts, the verdicts that count now, and what it cost.

use crate::driver::text::{candidate, cut, many, one_line};
use haco_core::{
    attempt::{Attempt, CostKind, Edits, Left, LeftOut, Usage},
    cursor::{Standing, Status},
    flags,
    plan::Plan,
    subject::{self, Base},
    ticket::Ticket,
    verdict::{Verdict, latest},
};

/// A ticket with what decides about it.
pub(super) struct Sight<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) plan: &'a Plan,
    pub(super) standing: Option<&'a Standing>,
    pub(super) full: bool,
}

impl Sight<'_> {
    /// What a person reads.
    pub(super) fn lines(&self, status: Status, why: &str) -> Vec<String> {
        let t = self.ticket;
        let priority = serde_json::to_value(t.priority).ok();
        let priority = priority.as_ref().and_then(|p| p.as_str()).unwrap_or_default();
        let on = t.depends_on.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
        let on = if on.is_empty() { on } else { format!("; depends on {on}") };
        let mut lines = vec![
            format!("{}  {}  {}", t.id, status.as_str(), self.text(&t.title)),
            format!("why: {}", one_line(why)),
            format!("plan {}, {}, {priority}{on}", t.plan, one_line(&t.kind)),
            format!("files: {}", self.files()),
            format!("checks: {}", self.checks()),
        ];
        lines.extend(self.attempts());
        lines.extend(self.verdicts());
        lines.extend(self.flags());
        lines.extend(cost(t).map(|cost| format!("cost: {cost}")));
        if self.full {
            lines.extend(self.contract());
        }
        lines
    }

    fn text(&self, text: &str) -> String {
        if self.full { one_line(text) } else { cut(text, 100) }
    }

    fn files(&self) -> String {
        let task = &self.ticket.task;
        let targets = task.target_files.iter().map(|p| one_line(p.as_str()));
        let new = task.new_files.iter().map(|p| format!("{} (new)", one_line(p.as_str())));
        targets.chain(new).collect::<Vec<_>>().join(", ")
    }

    fn checks(&self) -> String {
        let all = self.ticket.checks();
        let names = all.iter().map(|(name, _, test)| format!("{}: '{}'", one_line(name), self.text(&test.command)));
        if all.is_empty() { "none".to_owned() } else { names.collect::<Vec<_>>().join(", ") }
    }

    /// One line an attempt; without `--full` the last three.
    fn attempts(&self) -> Vec<String> {
        let all = &self.ticket.attempts;
        let skip = if self.full { 0 } else { all.len().saturating_sub(3) };
        let hidden = (skip > 0).then(|| format!("attempts 1 to {skip} ended before"));
        let lines = all[skip..].iter().flat_map(|a| std::iter::once(self.attempt(a)).chain(self.left_out(a)));
        hidden.into_iter().chain(lines).collect()
    }

    fn attempt(&self, attempt: &Attempt) -> String {
        let by = attempt.steps.iter().map(|s| one_line(&s.model)).collect::<Vec<_>>().join(", ");
        let again = attempt.repeats.map_or(String::new(), |n| format!("draft of {n}, "));
        let end = match (&attempt.candidate, &attempt.outcome) {
            (Some(candidate), _) => format!("candidate {}", candidate.commit.short()),
            (None, Some(outcome)) => one_line(outcome),
            (None, None) => "under way".to_owned(),
        };
        let failure = attempt.failure.as_ref().map_or(String::new(), |why| format!(": {}", self.text(why)));
        let edits = attempt.edits.as_ref().and_then(Edits::text).map_or(String::new(), |text| format!(" ({text})"));
        format!("attempt {}: {again}{by}: {end}{edits}{failure}", attempt.n)
    }

    /// What of its files an attempt's prompt did not hold.
    fn left_out(&self, attempt: &Attempt) -> Option<String> {
        let all = attempt.steps.iter().flat_map(|step| &step.left_out);
        let part = |left: &LeftOut| match &left.kept {
            Some(kept) => format!("{} (but lines {})", one_line(&left.path), one_line(kept)),
            None if left.why == Left::Secret => format!("{} (it holds a secret)", one_line(&left.path)),
            None => one_line(&left.path).to_string(),
        };
        let parts = all.map(part).collect::<Vec<_>>().join(", ");
        (!parts.is_empty()).then(|| format!("  not in its prompt: {}", self.text(&parts)))
    }

    /// The verdicts whose subject is what is here now, in one line; what did not pass has a line of its own.
    fn verdicts(&self) -> Vec<String> {
        let all = self.counting();
        let words = all.iter().map(|v| format!("{} {}", one_line(&v.check), v.verdict.as_str()));
        let words = words.collect::<Vec<_>>().join(", ");
        let mut lines = Vec::new();
        if !words.is_empty() {
            lines.push(format!("verdicts: {words}"));
        }
        for verdict in all {
            lines
                .extend(verdict.reason.iter().map(|why| format!("  {}: {}", one_line(&verdict.check), self.text(why))));
            lines.extend(verdict.findings.iter().map(|f| {
                let place = f.file.as_ref().map_or(String::new(), |file| format!(" '{}'", one_line(file)));
                format!("  {}{place}: {}", one_line(&verdict.check), self.text(&f.message))
            }));
            lines.extend(verdict.evidence.iter().filter(|_| self.full).map(|e| format!("  .haco/{}", one_line(e))));
        }
        lines
    }

    /// What should be seen in the candidate that counts.
    fn flags(&self) -> Vec<String> {
        let Some((attempt, _)) = candidate(self.ticket, self.standing) else { return Vec::new() };
        let flags = flags::recorded(self.ticket, attempt).iter();
        flags.map(|flag| format!("flag: {}", self.text(&flags::line(flag)))).collect()
    }

    fn counting(&self) -> Vec<&Verdict> {
        let Some(standing) = self.standing else { return Vec::new() };
        let verdicts = &self.ticket.verdicts;
        let on = standing.on.as_deref().unwrap_or_default();
        let base = Base { plan: &self.plan.base, on };
        let baseline = latest(verdicts, "baseline", &subject::baseline(&standing.contract, &base));
        let mut counting: Vec<&Verdict> = baseline.into_iter().collect();
        let Some((attempt, candidate)) = candidate(self.ticket, Some(standing)) else { return counting };
        let checks: Vec<&Verdict> = self
            .ticket
            .checks()
            .into_iter()
            .filter_map(|(name, _, test)| latest(verdicts, &name, &subject::check(test, &candidate.tree)))
            .collect();
        counting.extend(&checks);
        let audit = subject::audit(&standing.contract, &base, attempt, &checks);
        let judged = |v: &&Verdict| v.subject == audit || Some(&v.subject) == standing.acceptance.as_ref();
        let mut last: Vec<&Verdict> = Vec::new();
        for verdict in verdicts.iter().filter(judged) {
            last.retain(|v| v.check != verdict.check);
            last.push(verdict);
        }
        counting.extend(last);
        counting
    }

    fn contract(&self) -> Vec<String> {
        let t = self.ticket;
        let labelled = |label: &str, all: &[String]| -> Vec<String> {
            all.iter().map(|text| format!("{label}: {}", one_line(text))).collect()
        };
        let decided = |d: &haco_core::verdict::Decision| {
            let why = d.feedback.as_ref().or(d.reason.as_ref()).map_or(String::new(), |w| format!(": {}", one_line(w)));
            format!("{} {} by {}{why}", d.at, one_line(&d.action), one_line(&d.by))
        };
        let mut lines = vec![format!("task: {}", one_line(&t.task.description))];
        lines.extend(labelled("public api", &t.task.public_api));
        lines.extend(labelled("constraint", &t.task.constraints));
        lines.extend(labelled("criterion", &t.definition_of_done.acceptance_criteria));
        lines
            .extend(t.definition_of_done.files.iter().map(|f| format!("contract file: {}", one_line(f.path.as_str()))));
        lines.extend(t.decisions.iter().map(decided));
        lines.extend(t.shipment.iter().map(|s| format!("shipped: {} {}", one_line(&s.branch), s.commit.short())));
        lines
    }
}

/// Tokens and money of all steps; none where nothing was called.
fn cost(ticket: &Ticket) -> Option<String> {
    let all: Vec<&Usage> = ticket.attempts.iter().flat_map(|a| &a.steps).filter_map(|s| s.usage.as_ref()).collect();
    if all.is_empty() {
        return None;
    }
    let tokens: u64 = all.iter().map(|u| u.prompt_tokens + u.completion_tokens).sum();
    let usd = all.iter().filter_map(|u| u.cost_usd).fold(0.0, |sum, usd| sum + usd);
    let kind = |kind: CostKind| all.iter().any(|u| u.cost == kind);
    let how = match (kind(CostKind::Unknown), kind(CostKind::Estimated)) {
        (true, _) => "in part unknown",
        (false, true) => "estimated",
        (false, false) => "actual",
    };
    Some(format!("{tokens} tokens in {}, ${usd:.4} ({how})", many(all.len() as u64, "call")))
}
