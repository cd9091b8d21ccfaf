//! Judges the edit engine: reads cases as `make` prints them, and says for each form and trouble how many replies came
//! out right, wrong and refused.
//!
//!     cargo run --release --example edit-judge -- [--speed] [--sweep] [--show right|wrong|refused[:TROUBLE]] < cases.jsonl

use haco_core::edit::{self, Action, Format, Kind, Nearness, Scope};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

#[derive(Clone, Copy, Default)]
struct Tally {
    right: usize,
    wrong: usize,
    refused: usize,
}

struct Case {
    form: String,
    trouble: String,
    path: haco_core::path::RepoPath,
    old: String,
    new: Option<String>,
    reply: String,
}

fn case(line: &str) -> Option<Case> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    Some(Case {
        form: text("form")?,
        trouble: text("trouble")?,
        path: text("path")?.parse().ok()?,
        old: text("old")?,
        new: text("new"),
        reply: text("reply")?,
    })
}

/// What became of a case, the worst kind of fit, and what to show.
fn judge(case: &Case, nearness: Nearness) -> (&'static str, Option<Kind>, String) {
    let existing = BTreeMap::from([(case.path.clone(), case.old.clone().into_bytes())]);
    let targets = [case.path.clone()];
    let scope = Scope { targets: &targets, new_files: &[] };
    match edit::apply_within(&case.reply, Format::Auto, &scope, &existing, nearness) {
        Err(refusals) => {
            let said = edit::refusal_text(&refusals);
            (if case.new.is_none() { "right" } else { "refused" }, None, said)
        }
        Ok(edited) => {
            let file = &edited.files[0];
            let kind = file.edits.iter().map(|e| e.kind).max();
            let got = file.new.clone().unwrap_or_default();
            let same = case.new.as_deref().is_some_and(|new| new.as_bytes() == got);
            let verdict = match (&case.new, same) {
                (Some(_), true) => "right",
                (None, _) if file.action == Action::Unchanged => "right",
                _ => "wrong",
            };
            let diff =
                similar::TextDiff::from_lines(case.new.as_deref().unwrap_or(&case.old), String::from_utf8_lossy(&got))
                    .unified_diff()
                    .to_string();
            (verdict, kind, diff)
        }
    }
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|a| a == "--speed") {
        return speed(&mut std::io::stdout().lock());
    }
    let show = args.iter().position(|a| a == "--show").and_then(|i| args.get(i + 1)).cloned();
    let cases: Vec<Case> = std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|l| case(&l)).collect();
    let mut out = std::io::stdout().lock();
    if args.iter().any(|a| a == "--sweep") {
        return sweep(&cases, &mut out);
    }
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, Tally> = BTreeMap::new();
    for case in &cases {
        let (verdict, kind, detail) = judge(case, Nearness::default());
        let mut all = Tally::default();
        for tally in [
            tallies.entry((case.form.clone(), case.trouble.clone())).or_default(),
            kind.map_or(&mut all, |k| kinds.entry(k).or_default()),
        ] {
            count(tally, verdict);
        }
        if show.as_deref().is_some_and(|s| s == verdict || s == format!("{verdict}:{}", case.trouble)) {
            writeln!(out, "=== {verdict} {} {} {kind:?}\n{}\n--- \n{detail}", case.form, case.trouble, case.reply)?;
        }
    }
    for ((form, trouble), t) in &tallies {
        writeln!(out, "{form:16}{trouble:14}{:6} right{:6} wrong{:6} refused", t.right, t.wrong, t.refused)?;
    }
    for (kind, t) in &kinds {
        writeln!(out, "{:30}{:6} right{:6} wrong", format!("{kind:?}"), t.right, t.wrong)?;
    }
    Ok(())
}

fn count(tally: &mut Tally, verdict: &str) {
    match verdict {
        "right" => tally.right += 1,
        "wrong" => tally.wrong += 1,
        _ => tally.refused += 1,
    }
}

/// The same cases under other thresholds, as comma-separated lines.
fn sweep(cases: &[Case], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "least,ahead,trouble,right,wrong,refused")?;
    for least in [0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9] {
        for ahead in [0.0, 0.05, 0.1, 0.15, 0.2, 0.3] {
            let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
            for case in cases {
                count(tallies.entry(&case.trouble).or_default(), judge(case, Nearness { least, ahead }).0);
            }
            for (trouble, t) in tallies {
                writeln!(out, "{least},{ahead},{trouble},{},{},{}", t.right, t.wrong, t.refused)?;
            }
        }
    }
    Ok(())
}

/// What a trouble makes of one line of a hunk, by its place in it.
type Bend<'a> = &'a dyn Fn(usize, &str) -> String;

/// How long one call takes: the median of many for a block, and the worst of diffs that are malformed in every way.
fn speed(out: &mut impl Write) -> std::io::Result<()> {
    let path: haco_core::path::RepoPath = "src/a.rs".parse().expect("a good path");
    let line = |i: usize| match i % 10 {
        0 => format!("fn step_{i}(input: &[u32]) -> u32 {{\n"),
        9 => "}\n\n".to_owned(),
        _ => format!("    let value_{i} = input.get({}).copied().unwrap_or(total + {});\n", i % 7, i % 3),
    };
    let file = |count: usize| (0..count).map(line).collect::<String>();
    let timed = |file: &str, reply: &str| {
        let existing = BTreeMap::from([(path.clone(), file.as_bytes().to_vec())]);
        let targets = [path.clone()];
        let scope = Scope { targets: &targets, new_files: &[] };
        let start = std::time::Instant::now();
        let done = edit::apply(reply, Format::Auto, &scope, &existing).is_ok();
        (start.elapsed(), done)
    };
    let thousand = file(1000);
    let lines: Vec<&str> = thousand.lines().collect();
    let old = lines[500..506].join("\n");
    let block = format!("src/a.rs\n<<<<<<< SEARCH\n{old}\n=======\n{}\n>>>>>>> REPLACE\n", old.replace("total", "sum"));
    let mut times: Vec<_> = (0..2000).map(|_| timed(&thousand, &block)).collect();
    times.sort();
    writeln!(out, "a block, 1,000 lines: median {:?}, applied {}", times[1000].0, times[1000].1)?;
    let hunk = |from: usize, bend: Bend| {
        let body: String = lines[from..from + 12].iter().enumerate().map(|(i, l)| bend(i, l)).collect();
        format!("```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -{from},99 +{from},1 @@\n{body}```\n")
    };
    let bends: [(&str, Bend); 4] = [
        ("drifted", &|i, l| {
            if i % 3 == 0 {
                format!(" {l} // seen\n")
            } else if i == 5 {
                format!("-{l}\n+{l}1\n")
            } else {
                format!(" {l}\n")
            }
        }),
        ("lines left out", &|i, l| {
            if i % 4 == 1 {
                String::new()
            } else if i == 6 {
                format!("-{l}\n+{l}1\n")
            } else {
                format!(" {l}\n")
            }
        }),
        ("nothing right", &|i, l| if i == 6 { format!("-{l}2\n+{l}1\n") } else { format!(" {l}2\n") }),
        ("marks lost", &|i, l| if i == 6 { format!("-{l}\n{l}1\n") } else { format!("{l}\n") }),
    ];
    for (name, bend) in bends {
        let mut times: Vec<_> = (0..200).map(|i| timed(&thousand, &hunk(300 + i % 100, bend))).collect();
        times.sort();
        writeln!(out, "a diff, {name}: median {:?}, worst {:?}", times[100].0, times[199].0)?;
    }
    let big = file(20_000);
    let misses: String = (0..80_000)
        .map(|i| {
            format!(
                "<<<<<<< SEARCH\n    let value_{} = input.got({});\n    let q = {i};\n=======\nx\n>>>>>>> REPLACE\n",
                i % 20_000,
                i % 7
            )
        })
        .collect();
    let (took, _) = timed(&big, &misses);
    writeln!(out, "{} MB of near misses, 20,000 lines: {took:?}", misses.len() >> 20)
}
