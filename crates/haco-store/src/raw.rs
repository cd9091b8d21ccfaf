//! Files below `.haco/` that are no documents: drafts, evidence, prompts, the queue.

use crate::{Result, Store, dir, stage};
use std::sync::Arc;

impl Store {
    /// The bytes of the file `rel` below `.haco/`, none where there is none; at most 64 MiB, and no link is followed.
    pub fn read(&self, rel: &str) -> Result<Option<Vec<u8>>> {
        dir::parts(rel)?;
        let (parent, name) = dir::split(rel);
        match parent {
            None => self.top().read(name),
            Some(parent) => self.top().sub(parent)?.map_or(Ok(None), |dir| dir.read(name)),
        }
    }

    /// The names in the directory `rel` below `.haco/`, sorted; none where there is no directory. Unfinished files of
    /// ours are not among them.
    pub fn list(&self, rel: &str) -> Result<Vec<String>> {
        let names = self.top().sub(rel)?.map_or(Ok(Vec::new()), |dir| dir.names())?;
        Ok(names.into_iter().filter(|n| !(n.starts_with('.') && n.ends_with(".tmp"))).collect())
    }

    /// Replaces the file `rel` below `.haco/` durably and without a word in the journal; directories are made.
    pub fn write(&self, rel: &str, bytes: &[u8]) -> Result<()> {
        dir::parts(rel)?;
        let (parent, name) = dir::split(rel);
        let dir = match parent {
            Some(parent) => self.top().sub_made(parent)?,
            None => self.top().here()?,
        };
        stage::replace(&Arc::new(dir), name, bytes)
    }

    /// Makes the folder `rel` with exactly `files`, whole or not at all. One that a crash left there before its step was
    /// recorded is moved to `aside/`.
    pub fn write_draft(&self, rel: &str, files: &[(&str, &[u8])]) -> Result<()> {
        stage::folder(self.top(), rel, files)
    }
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use haco_core::code::Code;

    #[test]
    fn a_written_file_reads_back_and_what_is_missing_is_none() {
        let held = sample::empty();
        held.store.write("evidence/T-001/1/test.log", b"ok").expect("writes");
        held.store.write("queue.json", b"{}").expect("writes");
        assert_eq!(held.store.read("evidence/T-001/1/test.log").expect("reads").as_deref(), Some(&b"ok"[..]));
        assert_eq!(held.store.read("queue.json").expect("reads").as_deref(), Some(&b"{}"[..]));
        assert_eq!(held.store.read("evidence/T-002/1/test.log").expect("reads"), None);
        assert_eq!(held.store.list("evidence/T-001/1").expect("lists"), ["test.log"]);
        assert_eq!(held.store.list("evidence/T-002").expect("lists"), [""; 0]);
    }

    #[test]
    fn a_path_that_leads_out_is_refused_for_reading_and_writing() {
        let held = sample::empty();
        for bad in ["../x", "/etc/passwd", "a/../../x", ""] {
            assert_eq!(held.store.read(bad).expect_err(bad).code, Code::UnsafePath);
            assert_eq!(held.store.write(bad, b"").expect_err(bad).code, Code::UnsafePath);
            assert_eq!(held.store.write_draft(bad, &[]).expect_err(bad).code, Code::UnsafePath);
        }
    }

    #[test]
    fn a_draft_folder_is_seen_whole() {
        let held = sample::empty();
        let files: [(&str, &[u8]); 2] = [("prompt.md", b"do"), ("reply.md", b"done")];
        held.store.write_draft("drafts/T-001/1/0-worker", &files).expect("writes");
        assert_eq!(held.store.list("drafts/T-001/1/0-worker").expect("lists"), ["prompt.md", "reply.md"]);
        assert_eq!(held.store.read("drafts/T-001/1/0-worker/reply.md").expect("reads").as_deref(), Some(&b"done"[..]));
    }
}
