//! The other side of the bench: the least that any Rust program must do for the same work, measured in the same run.
//!
//! `bare read DIR` reads and fully parses every plan and ticket below `DIR/.haco`; `bare write DIR N` writes a line of a
//! journal and N files, each durable; `bare candidate DIR` makes a commit with one more file and prints milliseconds.

use haco_core::{
    oid::{Blob, Change, Mode},
    plan::Plan,
    ticket::Ticket,
};
use haco_git::{Repo, Who};
use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = match words[..] {
        ["read", dir] => read(&Path::new(dir).join(".haco"))?,
        ["write", dir, n] => write(Path::new(dir), n.parse()?)?,
        ["candidate", dir] => candidate(Path::new(dir))?,
        _ => return Err("usage: bare read DIR | write DIR N | candidate DIR".into()),
    };
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

fn read(state: &Path) -> Result<String, Box<dyn Error>> {
    let mut count = 0;
    for plan in fs::read_dir(state.join("plans"))? {
        let plan: Plan = serde_json::from_slice(&fs::read(plan?.path().join("plan.json"))?)?;
        count += plan.tickets.len();
    }
    let mut tickets = Vec::with_capacity(count);
    for ticket in fs::read_dir(state.join("tickets"))? {
        let ticket: Ticket = serde_json::from_slice(&fs::read(ticket?.path())?)?;
        tickets.push(ticket);
    }
    Ok(format!("{} of {count}", tickets.len()))
}

fn write(dir: &Path, n: usize) -> Result<String, Box<dyn Error>> {
    let mut journal = OpenOptions::new().create(true).append(true).open(dir.join("journal"))?;
    journal.write_all(&[b'x'; 600])?;
    journal.sync_all()?;
    for i in 0..n {
        let temporary = dir.join(format!(".{i}.tmp"));
        let mut file = File::create(&temporary)?;
        file.write_all(&[b'x'; 2500])?;
        file.sync_all()?;
        fs::rename(&temporary, dir.join(i.to_string()))?;
    }
    File::open(dir)?.sync_all()?;
    Ok(n.to_string())
}

fn candidate(dir: &Path) -> Result<String, Box<dyn Error>> {
    let began = Instant::now();
    let repo = Repo::open(dir)?;
    let base = repo.head_commit()?;
    let oid = repo.write_blob(b"one more\n")?;
    let new = Some(Blob { oid, mode: Mode::Regular });
    let change = Change { path: "one-more.txt".parse()?, old: None, new };
    let tree = repo.edit_tree(&base, &[change])?;
    repo.commit(&tree, &[base], "one more\n", &Who::Haco)?;
    Ok(format!("{:.3}", began.elapsed().as_secs_f64() * 1000.0))
}
