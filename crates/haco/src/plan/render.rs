//! PLAN.md: what the plan says now, and every word that people wrote around it.

use crate::{desk::Desk, exit::Outcome, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor,
    id::PlanId,
    planmd,
    ticket::Ticket,
};
use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Writes the plan to `output`, or prints it for `-`.
pub(super) fn run(desk: &Desk, named: Option<&PlanId>, output: Option<&str>, out: &mut Out) -> Result<Outcome> {
    let id = which(desk, named)?;
    let world = desk.store.world(Some(&id))?;
    let plan = &world.plans[&id];
    let tickets: Vec<Ticket> = plan.tickets.iter().filter_map(|id| world.tickets.get(id)).cloned().collect();
    if output == Some("-") {
        out.text(&planmd::render(plan, &tickets, None))?;
        return Ok(Outcome::yes().with("plan", id.as_str()));
    }
    let path = output.map_or_else(|| desk.place.worktree.join("PLAN.md"), PathBuf::from);
    let previous = read(&path)?;
    let text = planmd::render(plan, &tickets, previous.as_deref());
    let shown = path.display().to_string();
    if previous.as_deref() == Some(&text) {
        out.say(format!("'{}' is up to date", shown.escape_debug()));
    } else {
        write(&path, previous.as_deref(), &text)?;
        out.say(format!("wrote '{}'", shown.escape_debug()));
    }
    Ok(Outcome::yes().with("plan", id.as_str()).with("file", shown))
}

/// The plan that is named, else the only open one.
fn which(desk: &Desk, named: Option<&PlanId>) -> Result<PlanId> {
    if let Some(id) = named {
        return Ok(desk.store.plan(id)?.id);
    }
    let loaded = desk.load(None)?;
    let position = desk.position(&loaded);
    desk.one_plan(None, |plan| !cursor::plan_is_done(plan, &position), "to be rendered")
}

/// The text that is there; what is no text file of a person's is refused.
fn read(path: &Path) -> Result<Option<String>> {
    let shown = path.display().to_string().escape_debug().to_string();
    let bad = |why: &str| Failure::new(Code::Usage, format!("cannot write '{shown}': {why}"));
    match path.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(&e.to_string()).into()),
        Ok(meta) if !meta.is_file() => return Err(bad("it is not a regular file").into()),
        Ok(_) => {}
    }
    let bytes = fs_err::read(path)?;
    Ok(Some(String::from_utf8(bytes).map_err(|_| bad("what it holds is not UTF-8 text"))?))
}

/// Puts `text` in the place of exactly `previous`.
fn write(path: &Path, previous: Option<&str>, text: &str) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = previous.map(|_| fs_err::metadata(path).map(|meta| meta.permissions())).transpose()?;
    let mut made = tempfile::Builder::new();
    made.prefix(".PLAN.").permissions(Permissions::from_mode(0o666));
    let mut file = made.tempfile_in(dir).map_err(|e| {
        Failure::new(Code::Io, format!("cannot write in '{}': {e}", dir.display().to_string().escape_debug()))
    })?;
    file.write_all(text.as_bytes())?;
    if let Some(mode) = mode {
        file.as_file().set_permissions(mode)?;
    }
    file.as_file().sync_all()?;
    if read(path)?.as_deref() != previous {
        return Err(changed(path).into());
    }
    let landed = match previous {
        Some(_) => file.persist(path),
        None => file.persist_noclobber(path),
    };
    landed.map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => anyhow::Error::from(changed(path)),
        _ => e.error.into(),
    })?;
    fs_err::File::open(dir)?.sync_all()?;
    Ok(())
}

fn changed(path: &Path) -> Failure {
    let shown = path.display().to_string().escape_debug().to_string();
    Failure::new(Code::Conflict, format!("'{shown}' changed while it was read; nothing was written"))
        .fix("haco plan --render")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_that_was_read_is_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("PLAN.md");
        write(&path, None, "one").expect("a new file");
        for previous in [None, Some("two")] {
            let error = write(&path, previous, "three").expect_err("somebody else's text");
            assert!(error.to_string().contains("changed while it was read"), "{error}");
        }
        write(&path, Some("one"), "two").expect("the same text");
        assert_eq!(read(&path).expect("reads").as_deref(), Some("two"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1, "nothing is left behind");
    }

    #[test]
    fn what_is_no_regular_text_file_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(read(dir.path()).expect_err("a directory").to_string().contains("not a regular file"));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/hostname", &link).expect("links");
        assert!(read(&link).is_err());
        std::fs::write(dir.path().join("bytes"), b"\xff").expect("writes");
        assert!(read(&dir.path().join("bytes")).is_err());
    }
}
