//! Count the processes below one, their threads, and the memory that all of it holds, from `/proc`.
//!
//! A page that several processes share counts once, and so does what no process has mapped: memory file systems, and
//! files in memory that are only open. What the kernel holds for pipes and sockets is not seen here.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::{Duration, Instant};

use nix::sys::statvfs::fstatvfs;

use crate::Limits;

/// What a tree of processes weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Processes and threads.
    pub(crate) processes: u64,
    pub(crate) bytes: u64,
}

/// Weighs everything below a process, without itself, again and again.
pub(crate) struct Scale {
    root: i32,
    page: u64,
    /// The scratch directories, once something inside is there to reach them by.
    scratch: Option<File>,
    /// When what is shared without being mapped is looked for again.
    deep: Instant,
}

/// So often it is looked for, unless looking takes long.
const DEEP: Duration = Duration::from_millis(80);

impl Scale {
    pub(crate) fn new(root: i32) -> Scale {
        let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
        Scale { root, page: page as u64, scratch: None, deep: Instant::now() }
    }

    /// What is there now. With a limit for memory, `bytes` is exact where it is
    /// near the limit, and never less than what is there; what ends while it is counted counts as nothing.
    pub(crate) fn weigh(&mut self, limits: &Limits) -> Weight {
        let mut tree = Vec::new();
        let mut open = children(self.root).0;
        let mut processes = 0;
        while let Some(pid) = open.pop() {
            let (below, threads) = children(pid);
            processes += threads.max(1);
            tree.push(pid);
            open.extend(below);
        }
        let Some(most) = limits.mem_bytes.filter(|_| processes <= limits.processes) else {
            return Weight { processes, bytes: 0 };
        };
        let scratch = self.scratch(&tree);
        let rough: u64 = tree.iter().filter_map(|pid| self.resident(*pid)).sum::<u64>() + scratch;
        let now = Instant::now();
        if rough <= most && now < self.deep {
            return Weight { processes, bytes: rough };
        }
        let bytes = scratch + exact(&tree);
        let took = now.elapsed();
        self.deep = now + took + DEEP.max(took * 9);
        Weight { processes, bytes }
    }

    fn resident(&self, pid: i32) -> Option<u64> {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * self.page)
    }

    /// Bytes in the scratch directories, which are one file system.
    fn scratch(&mut self, tree: &[i32]) -> u64 {
        if self.scratch.is_none() {
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY);
            let inside = tree.iter().find(|pid| has_own_root(**pid));
            self.scratch = inside.and_then(|pid| options.open(format!("/proc/{pid}/root/tmp")).ok());
        }
        let used = self.scratch.as_ref().and_then(|dir| fstatvfs(dir).ok());
        used.map_or(0, |used| (used.blocks() - used.blocks_free()) * used.fragment_size())
    }
}

/// Without a view of its own a process has this machine's directories, and they are not its memory.
fn has_own_root(pid: i32) -> bool {
    let root = |path: String| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let theirs = root(format!("/proc/{pid}/root/"));
    theirs.is_some() && theirs != root("/".to_owned())
}

/// The children of a process, and how many threads it has.
fn children(pid: i32) -> (Vec<i32>, u64) {
    let (mut all, mut threads) = (Vec::new(), 0);
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        threads += 1;
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        all.extend(list.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    (all, threads)
}

/// Private memory of all, each page once, and files in memory: by what they hold where they are open, by their length
/// where they are only mapped.
fn exact(tree: &[i32]) -> u64 {
    let mut objects = HashMap::new();
    let mut private = 0;
    for pid in tree {
        private += anonymous(*pid).unwrap_or(0);
        mapped(*pid, &mut objects);
        opened(*pid, &mut objects);
    }
    private + objects.values().sum::<u64>()
}

fn anonymous(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"))?.trim().trim_end_matches(" kB");
    Some(kilobytes.parse::<u64>().ok()? * 1024)
}

/// What names a file in memory, in the tables of mappings and of open files.
const IN_MEMORY: [&str; 3] = ["/memfd:", "/dev/zero (deleted)", "/SYSV"];

fn mapped(pid: i32, objects: &mut HashMap<u64, u64>) {
    let text = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines() {
        let mut words = line.splitn(6, ' ');
        let (Some(range), Some(inode), Some(name)) = (words.next(), words.nth(3), words.next()) else { continue };
        if !IN_MEMORY.iter().any(|kind| name.trim_start().starts_with(kind)) {
            continue;
        }
        let ends = range.split_once('-').map(|(a, b)| (u64::from_str_radix(a, 16), u64::from_str_radix(b, 16)));
        if let (Some((Ok(begin), Ok(end))), Ok(inode)) = (ends, inode.parse::<u64>()) {
            let known = objects.entry(inode).or_default();
            *known = (*known).max(end - begin);
        }
    }
}

fn opened(pid: i32, objects: &mut HashMap<u64, u64>) {
    for fd in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let path = fd.path();
        let in_memory = fs::read_link(&path).is_ok_and(|to| to.to_string_lossy().starts_with(IN_MEMORY[0]));
        if let (true, Ok(meta)) = (in_memory, fs::metadata(&path)) {
            objects.insert(meta.ino(), meta.blocks() * 512);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn weighs_a_child_and_nothing_after_its_end() {
        let mut shell = Command::new("sh");
        let mut shell = shell.args(["-c", "cat & cat; wait"]).stdin(Stdio::piped()).spawn().expect("spawned");
        let none = Limits::default();
        let mut scale = Scale::new(shell.id() as i32);
        while scale.weigh(&none).processes == 0 {
            std::thread::yield_now();
        }
        drop(shell.stdin.take());
        shell.wait().expect("ended");
        assert_eq!(scale.weigh(&none), Weight::default());
    }

    #[test]
    fn memory_that_no_process_has_mapped_is_weighed() {
        let code =
            "import os, sys; f=os.memfd_create('x'); os.write(f, b'x'*(40<<20)); print(flush=True); sys.stdin.read()";
        let outer = format!("python3 -c \"{code}\"; true");
        let mut shell = Command::new("sh");
        let mut shell =
            shell.args(["-c", &outer]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("spawned");
        let mut ready = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().expect("a pipe"), &mut ready).expect("it says so");
        let weight = Scale::new(shell.id() as i32).weigh(&Limits { mem_bytes: Some(1), ..Limits::default() });
        drop(shell.stdin.take());
        shell.wait().expect("ended");
        assert!(weight.bytes > 40 << 20 && weight.bytes < 80 << 20, "{weight:?}");
    }
}
