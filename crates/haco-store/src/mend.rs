//! What `haco doctor --fix` does: it moves aside and makes directories again, and loses no byte.

use crate::{
    Result, Store,
    doctor::survey,
    journal, lock,
    stage::{self, aside},
};
use nix::fcntl::OFlag;
use std::{os::unix::fs::FileExt, sync::Arc};

/// Mends what can be mended and says each act; the second time there is nothing to do. What needs a person's word is left.
pub fn doctor_fix(store: &Store) -> Result<Vec<String>> {
    let top = store.top();
    // Whoever adds tickets holds this until their plan names them.
    let _held = lock::take(top, "ids", store.wait())?;
    let survey = survey(store);
    let mut acts = Vec::new();
    for name in survey.missing {
        top.sub_made(name)?;
        acts.push(format!("made '{}'", top.shown(name)));
    }
    if survey.torn.is_some() {
        acts.extend(set_torn_line_aside(store)?);
    }
    for (rel, name) in survey.stray {
        if let Some(dir) = top.sub(rel)?.filter(|dir| dir.has(&name)) {
            let to = aside(top, &dir, &name)?;
            acts.push(format!("moved '{}' to '{to}'", dir.shown(&name)));
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
