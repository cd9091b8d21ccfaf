//! Count the processes below one and the memory that they hold, from `/proc`.

use std::fs;

/// What a tree of processes weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) processes: u64,
    pub(crate) bytes: u64,
}

/// Weighs everything below a process, without itself. What ends while it is counted counts as nothing.
pub(crate) fn weigh(root: i32) -> Weight {
    let mut weight = Weight::default();
    let mut open = children(root);
    while let Some(pid) = open.pop() {
        weight.processes += 1;
        weight.bytes += resident(pid).unwrap_or(0);
        open.extend(children(pid));
    }
    weight
}

fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

fn resident(pid: i32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * page as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn weighs_a_child_and_nothing_after_its_end() {
        let mut shell = Command::new("sh");
        let mut shell = shell.args(["-c", "cat & cat; wait"]).stdin(Stdio::piped()).spawn().expect("spawned");
        let pid = shell.id() as i32;
        while weigh(pid).processes == 0 {
            std::thread::yield_now();
        }
        drop(shell.stdin.take());
        shell.wait().expect("ended");
        assert_eq!(weigh(pid), Weight::default());
    }
}
