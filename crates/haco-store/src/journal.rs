//! The journal on disk, `.haco/journal.jsonl`: appended under its lock with one write, read from its end, verified whole.

use crate::{Result, dir::Dir, lock};
use haco_core::{
    code::{Code, Failure},
    hash::Hash,
    journal::{Event, FileChange, Line},
};
use nix::fcntl::OFlag;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    time::Duration,
};

/// Its name below `.haco/`.
pub(crate) const NAME: &str = "journal.jsonl";
const BLOCK: u64 = 64 << 10;

/// The journal of one `.haco/`.
#[derive(Clone, Copy, Debug)]
pub struct Journal<'a> {
    top: &'a Dir,
    wait: Duration,
}

/// What a whole journal says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many whole lines it has.
    pub lines: u64,
    /// The hash of the last whole line: it stands for the whole history.
    pub head: Option<Hash>,
    /// How many bytes follow the last whole line: a write that a crash cut short.
    pub torn: Option<u64>,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(top: &'a Dir, wait: Duration) -> Journal<'a> {
        Journal { top, wait }
    }

    /// Writes the next line and waits until the disk has it; one sync.
    pub(crate) fn append(&self, event: Event, files: Vec<FileChange>) -> Result<Line> {
        let _held = lock::take(self.top, "journal", self.wait)?;
        self.write(event, files)
    }

    /// Writes the line that `decide` makes of every line so far; nobody's line comes in between.
    pub(crate) fn append_by(&self, see: impl FnMut(&Line), decide: impl FnOnce() -> Result<Event>) -> Result<Line> {
        let _held = lock::take(self.top, "journal", self.wait)?;
        self.each(see)?;
        self.write(decide()?, Vec::new())
    }

    /// Under the journal's lock.
    fn write(&self, event: Event, files: Vec<FileChange>) -> Result<Line> {
        let file = self.file(OFlag::O_RDWR | OFlag::O_APPEND)?;
        let mut back = Backwards::new(self.top, &file)?;
        let length = back.start;
        let last = match back.next()? {
            Some(torn) if torn.last() != Some(&b'\n') => return Err(self.torn()),
            Some(text) => Some(self.line(&text)?),
            None => None,
        };
        let line = Line::after(last.as_ref(), event, files);
        let written = (|| {
            let mut plain = file.file();
            plain.write_all(line.text().as_bytes()).map_err(|e| self.top.failure("write", NAME, e))?;
            self.top.sync_file(&file, NAME)
        })();
        if let Err(failure) = written {
            // Whether this succeeds or not, the line is not believed: at worst it is a torn one.
            let _ = file.file().set_len(length);
            return Err(failure);
        }
        Ok(line)
    }

    /// The latest change of each of `paths` that a line names.
    pub(crate) fn latest(&self, paths: &[String]) -> Result<BTreeMap<String, FileChange>> {
        let file = self.file(OFlag::O_RDONLY)?;
        let mut wanted: BTreeMap<&str, String> = paths.iter().map(|p| (p.as_str(), format!("\"{p}\""))).collect();
        let mut found = BTreeMap::new();
        let mut back = Backwards::new(self.top, &file)?;
        while let (false, Some(text)) = (wanted.is_empty(), back.next()?) {
            // A line that is being written, or was torn, changed no file yet.
            let whole = text.last() == Some(&b'\n');
            if !whole || !may_name(&text, &wanted) {
                continue;
            }
            for change in self.line(&text)?.files {
                if wanted.remove(change.path.as_str()).is_some() {
                    found.insert(change.path.clone(), change);
                }
            }
        }
        Ok(found)
    }

    /// The last `count` whole lines, the oldest first; the bytes before them are not read.
    pub fn last(&self, count: usize) -> Result<Vec<Line>> {
        let file = self.file(OFlag::O_RDONLY)?;
        let mut back = Backwards::new(self.top, &file)?;
        let mut lines = Vec::new();
        while let (true, Some(text)) = (lines.len() < count, back.next()?) {
            if text.last() == Some(&b'\n') {
                lines.push(self.line(&text)?);
            }
        }
        lines.reverse();
        Ok(lines)
    }

    /// The hash of the last whole line.
    pub fn head(&self) -> Result<Option<Hash>> {
        Ok(self.last(1)?.pop().map(|l| l.hash))
    }

    /// Reads the whole journal and checks its chain; a break anywhere but in a torn last line is a failure.
    pub fn verify(&self) -> Result<Verified> {
        self.each(|_| {})
    }

    /// Every whole line, the oldest first, with the chain checked on the way.
    pub fn lines(&self) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        self.each(|line| lines.push(line.clone()))?;
        Ok(lines)
    }

    fn each(&self, mut see: impl FnMut(&Line)) -> Result<Verified> {
        let mut reader = BufReader::with_capacity(1 << 20, self.file(OFlag::O_RDONLY)?);
        let mut last: Option<Line> = None;
        let mut text = Vec::new();
        loop {
            text.clear();
            let length = reader.read_until(b'\n', &mut text).map_err(|e| self.top.failure("read", NAME, e))?;
            let torn = (length > 0 && text.last() != Some(&b'\n')).then_some(length as u64);
            if length == 0 || torn.is_some() {
                let lines = last.as_ref().map_or(0, |l| l.seq);
                return Ok(Verified { lines, head: last.map(|l| l.hash), torn });
            }
            let read = Line::parse(&text).and_then(|line| line.follows(last.as_ref()).map(|()| line));
            let number = last.as_ref().map_or(1, |l| l.seq + 1);
            let line = read.map_err(|why| self.broken(&format!("line {number}: {why}")))?;
            see(&line);
            last = Some(line);
        }
    }

    pub(crate) fn file(&self, how: OFlag) -> Result<fs_err::File> {
        let gone = || self.broken("it is missing").fix("haco init");
        self.top.open(NAME, how)?.ok_or_else(gone)
    }

    fn line(&self, text: &[u8]) -> Result<Line> {
        Line::parse(text).map_err(|why| self.broken(&format!("a line near the end: {why}")))
    }

    fn broken(&self, why: &str) -> Failure {
        Failure::new(Code::JournalBroken, format!("'{}': {}", self.top.shown(NAME), why.escape_debug()))
    }

    fn torn(&self) -> Failure {
        self.broken("its last line is torn").fix("haco doctor --fix")
    }
}

/// Whether the line `text` can name one of `wanted` (each path with its quotes): a few are searched for, many are not.
fn may_name(text: &[u8], wanted: &BTreeMap<&str, String>) -> bool {
    let text = std::str::from_utf8(text);
    wanted.len() > 8 || text.is_ok_and(|text| wanted.values().any(|quoted| text.contains(quoted.as_str())))
}

/// The lines of a file from its last to its first, read in blocks from the end.
struct Backwards<'a> {
    top: &'a Dir,
    file: &'a fs_err::File,
    /// Where the bytes in `rest` begin.
    at: u64,
    /// Read and not yet given out.
    rest: Vec<u8>,
    block: u64,
    /// The file's length when reading began.
    start: u64,
}

impl<'a> Backwards<'a> {
    fn new(top: &'a Dir, file: &'a fs_err::File) -> Result<Backwards<'a>> {
        let start = file.file().metadata().map_err(|e| top.failure("read", NAME, e))?.len();
        Ok(Backwards { top, file, at: start, rest: Vec::new(), block: 4096, start })
    }

    /// The next line towards the beginning, with its newline unless it is torn.
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let body = self.rest.len().saturating_sub(1);
            if let Some(end) = self.rest[..body].iter().rposition(|b| *b == b'\n') {
                return Ok(Some(self.rest.split_off(end + 1)));
            }
            if self.at == 0 {
                let first = std::mem::take(&mut self.rest);
                return Ok((!first.is_empty()).then_some(first));
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<()> {
        let length = self.block.min(self.at);
        let mut block = vec![0; usize::try_from(length).expect("a block fits in memory")];
        self.at -= length;
        let read = self.file.file().read_exact_at(&mut block, self.at);
        read.map_err(|e| self.top.failure("read", NAME, e))?;
        block.append(&mut self.rest);
        self.rest = block;
        // Larger than the longest line soon, so that no byte is moved often.
        self.block = BLOCK.max(self.rest.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use serde_json::json;

    fn text(held: &sample::Held) -> String {
        fs_err::read_to_string(held.place.dir.join(NAME)).expect("reads")
    }

    #[test]
    fn lines_of_any_length_are_read_from_the_end_as_from_the_beginning() {
        let held = sample::empty();
        for length in [0, 10, 4000, 4096, 70_000, 200_000, 1, 65_000, 3] {
            let data = json!({"text": "x".repeat(length)});
            held.store.note(Event { data, ..sample::event("note") }).expect("appends");
        }
        let journal = held.store.journal();
        let all = journal.lines().expect("reads");
        assert_eq!(all.len(), 9);
        assert_eq!(journal.last(100).expect("reads"), all);
        assert_eq!(journal.last(2).expect("reads"), all[7..]);
        assert_eq!(journal.head().expect("reads").as_ref(), Some(&all[8].hash));
        assert_eq!(
            journal.verify().expect("holds"),
            Verified { lines: 9, head: Some(all[8].hash.clone()), torn: None }
        );
    }

    #[test]
    fn a_torn_last_line_is_reported_and_not_written_behind() {
        let held = sample::empty();
        held.store.note(sample::event("one")).expect("appends");
        held.foreign(NAME, text(&held) + "{\"seq\":2,");
        let verified = held.store.journal().verify().expect("only torn");
        assert_eq!((verified.lines, verified.torn), (1, Some(9)));
        assert_eq!(held.store.journal().last(5).expect("reads").len(), 1);
        let failure = held.store.note(sample::event("two")).expect_err("refused");
        assert_eq!((failure.code, failure.fix.as_deref()), (Code::JournalBroken, Some("haco doctor --fix")));
    }

    #[test]
    fn a_break_anywhere_else_is_named_by_its_line() {
        let held = sample::empty();
        for name in ["one", "two", "three"] {
            held.store.note(sample::event(name)).expect("appends");
        }
        let good = text(&held);
        let lines: Vec<&str> = good.lines().collect();
        for (bad, why) in [
            (good.replace("two", "owt"), "line 2: its bytes are not those of its hash"),
            (format!("{}\n{}\n", lines[0], lines[2]), "line 2: its number is 3 where 2 is due"),
            (format!("{}\n\n{}\n", lines[0], lines[1]), "line 2: it is not JSON"),
        ] {
            held.foreign(NAME, bad);
            let failure = held.store.journal().verify().expect_err(why);
            assert_eq!(failure.code, Code::JournalBroken);
            assert!(failure.message.contains(why), "{failure}");
        }
    }

    #[test]
    fn a_missing_journal_is_not_silently_begun_anew() {
        let held = sample::empty();
        fs_err::remove_file(held.place.dir.join(NAME)).expect("removes");
        assert_eq!(held.store.note(sample::event("x")).expect_err("refused").code, Code::JournalBroken);
    }

    #[test]
    fn a_line_that_depends_on_those_before_it_is_decided_by_all_of_them() {
        let held = sample::empty();
        let add = || {
            let most = std::cell::Cell::new(0);
            let decide = || {
                let data = json!({"n": most.get() + 1});
                Ok(Event { data, ..sample::event("count") })
            };
            held.store.note_by(|line| most.set(most.get().max(line.data["n"].as_u64().unwrap_or(0))), decide)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| drop(add().expect("appends"))));
            }
        });
        assert_eq!(held.store.journal().last(1).expect("reads")[0].data["n"], 40);
        let refused = || Err(Failure::new(Code::OverBudget, "no"));
        assert_eq!(held.store.note_by(|_| {}, refused).expect_err("refused").code, Code::OverBudget);
        assert_eq!(held.store.journal().verify().expect("holds").lines, 40);
    }

    #[test]
    fn many_threads_append_one_chain() {
        let held = sample::empty();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| drop(held.store.note(sample::event("x")).expect("appends"))));
            }
        });
        assert_eq!(held.store.journal().verify().expect("holds").lines, 40);
    }
}
