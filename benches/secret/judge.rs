//! How well secrets are found, and how often something else is taken for one: made-up keys of every kind in every
//! spelling, and all files of the directories that are named.

#[path = "../../crates/haco-core/src/secret/samples.rs"]
mod samples;

use haco_core::secret::{find, redact};
use samples::{Dice, FORMS, SPELLINGS};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

/// Lines of each kind in each spelling, once spelled whole and once in the secret alone.
const EACH: usize = 200;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    recall(&mut out)?;
    alarms(&mut out, std::env::args().skip(1).map(PathBuf::from).collect())
}

fn recall(out: &mut impl Write) -> io::Result<()> {
    let mut dice = Dice(20_261_121);
    let (mut found, mut all, mut worst) = (0, 0, (usize::MAX, String::new()));
    for (kind, form) in FORMS {
        for (spelling, spell) in SPELLINGS {
            let mut here = 0;
            for _ in 0..EACH {
                let [before, secret, after] = dice.line(form);
                let whole = spell(&[before.as_str(), &secret, &after].concat());
                let texts = [format!("first\n{whole}\n"), format!("{before}{}{after}\n", spell(&secret))];
                here += texts.iter().filter(|text| redact(text).contains("[redacted:")).count();
            }
            (found, all) = (found + here, all + 2 * EACH);
            if here < worst.0 {
                worst = (here, format!("{kind}, {spelling}"));
            }
        }
    }
    let share = 100.0 * found as f64 / all as f64;
    writeln!(out, "found     {found} of {all} ({share:.2} %): {} kinds, {} spellings", FORMS.len(), SPELLINGS.len())?;
    writeln!(out, "worst     {} of {} ({})", worst.0, 2 * EACH, worst.1)
}

fn alarms(out: &mut impl Write, dirs: Vec<PathBuf>) -> io::Result<()> {
    let mut files = Vec::new();
    dirs.iter().try_for_each(|dir| walk(dir, &mut files))?;
    files.sort();
    let (mut lines, mut bytes, mut alarms, mut read) = (0, 0, Vec::new(), 0);
    let start = Instant::now();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        read += 1;
        lines += text.lines().count();
        bytes += text.len();
        for found in find(text.as_bytes()) {
            let line = text.as_bytes()[..found.range.start].iter().filter(|b| **b == b'\n').count() + 1;
            alarms.push(format!("{} {}:{line}", found.kind, file.display()));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let every = alarms.len() as f64 * 10_000.0 / lines.max(1) as f64;
    writeln!(
        out,
        "read      {lines} lines in {read} files, {:.1} MB, {:.1} MB/s",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / seconds
    )?;
    writeln!(out, "alarms    {} ({every:.3} in 10,000 lines)", alarms.len())?;
    alarms.iter().try_for_each(|alarm| writeln!(out, "          {alarm}"))
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.symlink_metadata()? {
            meta if meta.is_dir() => walk(&path, files)?,
            meta if meta.is_file() => files.push(path),
            _ => {}
        }
    }
    Ok(())
}
