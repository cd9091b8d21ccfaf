//! What `haco doctor --fix` does: it finishes writes that a crash cut short, moves aside and makes directories again, and
//! loses no byte.

use crate::{
    Result, Store,
    dir::{Dir, split},
    doctor::{Survey, survey},
    journal, lock,
    stage::{self, aside},
    tx::split_path,
};
use haco_core::{
    id::{PlanId, TicketId},
    journal::{FileChange, Line},
};
use nix::fcntl::OFlag;
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Mends what can be mended and says each act; the second time there is nothing to do. What needs a person's word is left.
pub fn doctor_fix(store: &Store) -> Result<Vec<String>> {
    let top = store.top();
    let mut acts = Vec::new();
    let (_held, survey) = loop {
        // Whoever adds tickets holds this until their plan names them.
        let held = lock::take(top, "ids", store.wait())?;
        let survey = survey(store);
        let owed = owed(store, &survey)?;
        if owed.is_empty() {
            break (held, survey);
        }
        // The locks of tickets and plans come before this one.
        drop(held);
        for line in owed {
            acts.extend(finish(store, &line)?);
        }
    };
    for name in survey.missing {
        top.sub_made(name)?;
        acts.push(format!("made '{}'", top.shown(name)));
    }
    if survey.torn.is_some() {
        acts.extend(set_torn_line_aside(store)?);
    }
    for (rel, name) in survey.stray {
        // While the journal cannot be read, an unfinished file may be the proof that one is no foreign write.
        if survey.journal_unknown && rel != "tmp" && stage::left_over(&name) {
            continue;
        }
        if let Some(dir) = top.sub(&rel)?.filter(|dir| dir.has(&name)) {
            let to = aside(top, &dir, &name)?;
            acts.push(format!("moved '{}' to '{to}'", dir.shown(&name)));
        }
    }
    Ok(acts)
}

/// The journal's lines that left a state file as it was, with the new one staged beside it.
fn owed(store: &Store, survey: &Survey) -> Result<Vec<Line>> {
    let dead: Vec<_> = survey.stray.iter().filter(|(rel, name)| rel != "tmp" && stage::left_over(name)).collect();
    if dead.is_empty() || survey.journal_unknown {
        return Ok(Vec::new());
    }
    let lines = store.journal().lines()?;
    let named = lines.iter().flat_map(|line| line.files.iter().map(|change| (change.path.clone(), line.seq)));
    let latest: BTreeMap<String, u64> = named.collect();
    let mut owed = Vec::new();
    for line in lines {
        for change in line.files.iter().filter(|change| latest[&change.path] == line.seq) {
            let (parent, name) = split(&change.path);
            let beside = |(rel, t): &&(String, String)| parent == Some(rel) && stage::is_of(t, name);
            if dead.iter().any(beside) && staged(store, change)?.is_some() {
                owed.push(line.clone());
                break;
            }
        }
    }
    Ok(owed)
}

/// What a process that is gone staged for `change`, where the file is still as it was before.
fn staged(store: &Store, change: &FileChange) -> Result<Option<(Dir, String)>> {
    match &change.after {
        Some(after) if change.before != change.after && stage::hash(store.top(), &change.path)? == change.before => {
            stage::unfinished(store.top(), &change.path, after, stage::left_over)
        }
        _ => Ok(None),
    }
}

/// Finishes what `line` says of files that no later line names: the plan comes last, as it does in a transaction.
fn finish(store: &Store, line: &Line) -> Result<Vec<String>> {
    let top = store.top();
    let state = |change: &FileChange| split_path(&change.path).ok().map(|(name, plan)| (name.to_owned(), plan));
    let states: Vec<(String, Option<PlanId>)> = line.files.iter().filter_map(state).collect();
    let tickets: BTreeSet<TicketId> = states.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    let plans: BTreeSet<&PlanId> = states.iter().filter_map(|(_, plan)| plan.as_ref()).collect();
    let names = tickets.iter().map(lock::of_ticket).chain(plans.into_iter().map(lock::of_plan)).chain(["ids".into()]);
    let locks: Result<Vec<_>> = names.map(|name| lock::take(top, &name, store.wait())).collect();
    let _held = locks?;
    let paths: Vec<String> = line.files.iter().map(|change| change.path.clone()).collect();
    let latest = store.journal().latest(&paths)?;
    let due = line.files.iter().filter(|change| latest.get(&change.path) == Some(change));
    let (last, first): (Vec<_>, Vec<_>) = due.partition(|change| state(change).is_some_and(|(_, plan)| plan.is_some()));
    let mut acts = Vec::new();
    for part in [first, last] {
        let mut touched = BTreeMap::new();
        for change in part {
            let (parent, name) = split(&change.path);
            if let Some((dir, temporary)) = staged(store, change)? {
                stage::land(&dir, &temporary, name)?;
                acts.push(format!("finished writing '{}'", dir.shown(name)));
                touched.insert(parent, dir);
            }
        }
        for dir in touched.values() {
            dir.sync()?;
        }
    }
    Ok(acts)
}

/// Keeps the bytes behind the journal's last whole line in `aside/` and cuts them off.
fn set_torn_line_aside(store: &Store) -> Result<Option<String>> {
    let top = store.top();
    let _held = lock::take(top, "journal", store.wait())?;
    // Somebody may have been in the middle of writing it when it was looked at.
    let Some(torn) = store.journal().verify()?.torn else { return Ok(None) };
    let failed = |e| top.failure("cut", journal::NAME, e);
    let file = store.journal().file(OFlag::O_RDWR)?;
    let whole = file.file().metadata().map_err(failed)?.len() - torn;
    let mut bytes = vec![0; usize::try_from(torn).expect("a line fits in memory")];
    file.file().read_exact_at(&mut bytes, whole).map_err(failed)?;
    let aside = Arc::new(top.sub_made("aside")?);
    let name = stage::free_name(&aside, journal::NAME);
    stage::replace(&aside, &name, &bytes)?;
    file.file().set_len(whole).map_err(failed)?;
    top.sync_file(&file, journal::NAME)?;
    Ok(Some(format!("moved the torn last line of '{}' to '{}'", top.shown(journal::NAME), aside.shown(&name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor, parse::pretty, sample};

    #[test]
    fn what_lies_about_is_moved_aside_and_the_second_time_nothing_is_done() {
        let held = sample::with(&["T-001"]);
        held.foreign("tickets/T-002.json", pretty(&sample::ticket("T-002", "demo")));
        held.foreign("tickets/.T-001.json.2147483646-1.tmp", "half");
        held.foreign("tmp/folder.2147483646-2.tmp", "half");
        fs_err::remove_dir(held.place.dir.join("queue")).expect("removes");
        let text = fs_err::read_to_string(held.place.dir.join(journal::NAME)).expect("reads");
        held.foreign(journal::NAME, text.clone() + "{\"seq\": 2");
        let acts = doctor_fix(&held.store).expect("mends");
        assert_eq!(
            acts,
            [
                "made '.haco/queue'",
                "moved the torn last line of '.haco/journal.jsonl' to '.haco/aside/journal.jsonl.1'",
                "moved '.haco/tmp/folder.2147483646-2.tmp' to '.haco/aside/folder.2147483646-2.tmp.1'",
                "moved '.haco/tickets/.T-001.json.2147483646-1.tmp' to '.haco/aside/T-001.json.2147483646-1.tmp.1'",
                "moved '.haco/tickets/T-002.json' to '.haco/aside/T-002.json.1'",
            ]
        );
        assert_eq!(doctor(&held.store), []);
        assert_eq!(doctor_fix(&held.store).expect("mends"), [""; 0]);
        assert_eq!(held.store.read("aside/journal.jsonl.1").expect("reads").as_deref(), Some(&b"{\"seq\": 2"[..]));
        assert_eq!(fs_err::read_to_string(held.place.dir.join(journal::NAME)).expect("reads"), text);
        held.store.note(sample::event("x")).expect("the journal goes on");
    }

    /// What a command leaves that is killed behind the journal, before it lands any file.
    fn interrupted(held: &sample::Held, changes: &[(&str, Vec<u8>)]) {
        let one = |(path, bytes): &(&str, Vec<u8>)| {
            let (parent, name) = split(path);
            held.foreign(&format!("{}/.{name}.2147483646-1.tmp", parent.expect("a directory")), bytes);
            let before = stage::hash(held.store.top(), path).expect("reads");
            FileChange { path: (*path).to_owned(), before, after: Some(haco_core::hash::Hash::of(bytes)) }
        };
        let changes = changes.iter().map(one).collect();
        held.store.journal().append(sample::event("edit"), changes).expect("appends");
    }

    fn retitled(id: &str) -> Vec<u8> {
        pretty(&haco_core::ticket::Ticket { title: "New".into(), ..sample::ticket(id, "demo") })
    }

    #[test]
    fn a_write_that_was_cut_short_is_finished_and_the_second_time_nothing_is_done() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        interrupted(&held, &[("tickets/T-001.json", retitled("T-001"))]);
        held.foreign("tickets/.T-001.json.2147483646-2.tmp", "half");
        held.store.check(&id).expect("not foreign");
        assert!(doctor(&held.store).iter().all(|f| f.problem == "a process that is gone left it unfinished"));
        assert_eq!(
            doctor_fix(&held.store).expect("mends"),
            [
                "finished writing '.haco/tickets/T-001.json'",
                "moved '.haco/tickets/.T-001.json.2147483646-2.tmp' to '.haco/aside/T-001.json.2147483646-2.tmp.1'",
            ]
        );
        assert_eq!(held.store.ticket(&id).expect("reads").title, "New");
        held.store.check(&id).expect("ours");
        assert_eq!(doctor(&held.store), []);
        assert_eq!(doctor_fix(&held.store).expect("mends"), [""; 0]);
    }

    #[test]
    fn a_plan_and_its_new_ticket_are_finished_together() {
        let held = sample::with(&["T-001"]);
        let plan = pretty(&sample::plan("demo", &["T-001", "T-002"]));
        interrupted(&held, &[("plans/demo/plan.json", plan), ("tickets/T-002.json", retitled("T-002"))]);
        held.store.check_plan(&"demo".parse().expect("id")).expect("not foreign");
        assert_eq!(
            doctor_fix(&held.store).expect("mends"),
            ["finished writing '.haco/tickets/T-002.json'", "finished writing '.haco/plans/demo/plan.json'"]
        );
        assert_eq!(doctor(&held.store), []);
        assert_eq!(doctor_fix(&held.store).expect("mends"), [""; 0]);
    }

    #[test]
    fn what_a_later_line_overtook_is_not_finished() {
        let held = sample::with(&["T-001"]);
        let id = sample::id("T-001");
        interrupted(&held, &[("tickets/T-001.json", retitled("T-001"))]);
        let mut tx = held.store.begin(std::slice::from_ref(&id), None).expect("begins");
        let ticket = haco_core::ticket::Ticket { title: "Newer".into(), ..tx.ticket(&id).expect("held").clone() };
        tx.put_ticket(ticket).expect("puts");
        tx.commit(sample::event("edit")).expect("commits");
        let acts = doctor_fix(&held.store).expect("mends");
        assert!(matches!(&acts[..], [act] if act.starts_with("moved '.haco/tickets/.T-001.json.")), "{acts:?}");
        assert_eq!(held.store.ticket(&id).expect("reads").title, "Newer");
        assert_eq!(doctor(&held.store), []);
    }

    #[test]
    fn while_the_journal_cannot_be_read_the_proof_stays() {
        let held = sample::with(&["T-001"]);
        interrupted(&held, &[("tickets/T-001.json", retitled("T-001"))]);
        let text = fs_err::read_to_string(held.place.dir.join(journal::NAME)).expect("reads");
        held.foreign(journal::NAME, text.replacen("\"plan\"", "\"nalp\"", 1));
        assert_eq!(doctor_fix(&held.store).expect("mends"), [""; 0]);
        held.foreign(journal::NAME, text);
        assert_eq!(doctor_fix(&held.store).expect("mends"), ["finished writing '.haco/tickets/T-001.json'"]);
    }

    #[test]
    fn what_needs_a_person_is_left_as_it_is() {
        let held = sample::with(&["T-001"]);
        held.foreign("tickets/T-001.json", "{");
        held.foreign("plans/demo/plan.json", "");
        let before = doctor(&held.store);
        assert_eq!(doctor_fix(&held.store).expect("mends"), [""; 0]);
        assert_eq!(doctor(&held.store), before);
    }
}
