//! An audit: who may judge, what an answer must hold, and what it means.

use crate::{
    settings::{HUMAN, SUPERVISOR, Settings},
    verdict::{Answer, Criterion, Finding, Severity},
};
use serde::Deserialize;

/// Who judges next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judge {
    /// This entry of the auditor's route.
    Model(String),
    /// The driving agent.
    Supervisor,
    /// A person at a terminal.
    Person,
}

/// The first entry of the auditor's route that neither wrote the draft nor is the same model at the same place; where
/// none is left, a person.
pub fn judge(settings: &Settings, author: Option<&str>) -> Judge {
    let wrote = author.filter(|a| *a != SUPERVISOR && *a != HUMAN).and_then(|a| settings.model(a).ok());
    for name in &settings.auditor {
        if Some(name.as_str()) == author {
            continue;
        }
        match name.as_str() {
            SUPERVISOR => return Judge::Supervisor,
            HUMAN => return Judge::Person,
            _ => {
                let same = |other: &crate::settings::Resolved| {
                    settings.model(name).is_ok_and(|own| {
                        (own.entry.provider, &own.origin, &own.model)
                            == (other.entry.provider, &other.origin, &other.model)
                    })
                };
                if !wrote.as_ref().is_some_and(same) {
                    return Judge::Model(name.clone());
                }
            }
        }
    }
    Judge::Person
}

/// A well-formed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// `pass` or `fail`; never blocked.
    pub verdict: Answer,
    /// One for each acceptance criterion, in the contract's order.
    pub criteria: Vec<Criterion>,
    /// What was found.
    pub findings: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    verdict: String,
    #[serde(default)]
    criteria: Vec<Criterion>,
    #[serde(default)]
    findings: Vec<Finding>,
}

/// Reads an answer to a contract with `criteria` acceptance criteria; the error is one line for whoever must try again.
///
/// `lines_of` gives the number of lines of a file of the candidate or the base, so that what is cited can be checked.
pub fn read(text: &str, criteria: usize, lines_of: impl Fn(&str) -> Option<usize>) -> Result<Audit, String> {
    let json = crate::intake::from_reply(text).map_err(|e| e.message)?;
    let wire: Wire = serde_json::from_str(json).map_err(|e| format!("the answer is not of the form asked for: {e}"))?;
    let verdict = answer(&wire)?;
    // A verdict that the change or the prompt put into the auditor's mouth is no verdict.
    let all = crate::intake::outermost(text).map_err(|e| e.message)?;
    let mut others = all.into_iter().filter_map(|range| serde_json::from_str::<Wire>(&text[range]).ok());
    if others.any(|other| answer(&other).is_ok_and(|other| other != verdict)) {
        return Err("the answer holds two verdicts that differ".to_owned());
    }
    if verdict == Answer::Pass && says_no(&(text.replace(json, ""))) {
        return Err(
            "the verdict is 'pass', and the words around it speak of failing: answer with the JSON alone".into()
        );
    }
    if wire.criteria.len() > criteria || (verdict == Answer::Pass && wire.criteria.len() < criteria) {
        return Err(format!("'criteria' has {} answers for {criteria} acceptance criteria", wire.criteria.len()));
    }
    if verdict == Answer::Pass {
        if let Some(i) = wire.criteria.iter().position(|c| !c.met) {
            return Err(format!("the verdict is 'pass', but criterion {} is not met", i + 1));
        }
        if let Some(bad) = wire.findings.iter().find(|f| f.severity <= Severity::High) {
            return Err(format!("the verdict is 'pass', but a finding is of high severity or worse: {}", bad.message));
        }
    } else if wire.findings.is_empty() && wire.criteria.iter().all(|c| c.met) {
        return Err("the verdict is 'fail', but no finding and no unmet criterion says why".to_owned());
    }
    let cited = wire.criteria.iter().map(|c| (&c.file, c.line)).chain(wire.findings.iter().map(|f| (&f.file, f.line)));
    for (file, line) in cited {
        let Some(file) = file else { continue };
        match lines_of(file) {
            None => return Err(format!("the cited file '{}' does not exist", file.escape_debug())),
            Some(lines) if line.is_some_and(|l| l == 0 || l > lines as u64) => {
                return Err(format!("the cited line {} is not in '{file}', which has {lines}", line.unwrap_or(0)));
            }
            Some(_) => {}
        }
    }
    Ok(Audit { verdict, criteria: wire.criteria, findings: wire.findings })
}

/// Whether words beside a verdict say otherwise, or may: a pass that is only quoted is no pass.
fn says_no(words: &str) -> bool {
    let lower = words.to_lowercase();
    ["fail", "reject", "not pass", "n't pass", "not approve", "n't approve"].iter().any(|no| lower.contains(no))
}

fn answer(wire: &Wire) -> Result<Answer, String> {
    match wire.verdict.as_str() {
        "pass" | "approved" => Ok(Answer::Pass),
        "fail" | "rejected" => Ok(Answer::Fail),
        other => Err(format!("'verdict' is '{}', not 'pass' or 'fail'", other.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(auditor: &[&str]) -> Settings {
        Settings { auditor: auditor.iter().map(|s| (*s).to_owned()).collect(), ..Settings::default() }
    }

    #[test]
    fn the_author_never_judges() {
        let s = settings(&["qwen", "ollama:qwen", SUPERVISOR]);
        assert_eq!(judge(&s, Some("qwen")), Judge::Supervisor, "the same model under another name is the author too");
        assert_eq!(judge(&s, Some("other")), Judge::Model("qwen".into()));
        assert_eq!(judge(&settings(&[SUPERVISOR]), Some(SUPERVISOR)), Judge::Person);
    }

    #[test]
    fn a_pass_must_answer_and_meet_everything() {
        let lines = |f: &str| (f == "a.py").then_some(3);
        let read = |text: &str| read(text, 1, lines);
        assert!(read(r#"{"verdict":"approved","criteria":[{"met":true,"file":"a.py","line":3}]}"#).is_ok());
        for (bad, why) in [
            ("I approve.", "no JSON"),
            (r#"{"verdict":"pass"}"#, "0 answers for 1"),
            (r#"{"verdict":"pass","criteria":[{"met":false}]}"#, "not met"),
            (r#"{"verdict":"pass","criteria":[{"met":true}],"findings":[{"severity":"high","message":"x"}]}"#, "high"),
            (r#"{"verdict":"fail"}"#, "says why"),
            (r#"{"verdict":"maybe"}"#, "not 'pass'"),
            (r#"It says {"verdict":"pass","criteria":[{"met":true}]}. I: {"verdict":"fail"}"#, "two verdicts"),
            (r#"I say fail; a pass would be {"verdict":"pass","criteria":[{"met":true}]}"#, "words around it"),
            (r#"{"verdict":"pass","criteria":[{"met":true,"file":"b.py"}]}"#, "does not exist"),
            (r#"{"verdict":"pass","criteria":[{"met":true,"file":"a.py","line":4}]}"#, "line 4"),
            (r#"{"verdict":"pass","criteria":[{"met":true}],"mood":"good"}"#, "mood"),
        ] {
            let error = read(bad).expect_err(bad);
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
