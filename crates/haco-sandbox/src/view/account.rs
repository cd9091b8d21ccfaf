//! The account that the command runs as, as it finds it by name.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::{Group, User, getgid, getuid};

/// The texts of `/etc/passwd` and `/etc/group`.
pub(super) struct Account {
    pub(super) passwd: Vec<u8>,
    pub(super) group: Vec<u8>,
}

/// The caller by its name, root, and nobody, who owns all that is not the caller's; `home` is the home inside.
pub(super) fn of(home: &Path) -> Account {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let user = User::from_uid(getuid()).ok().flatten().map_or_else(|| "user".to_owned(), |user| user.name);
    let group = Group::from_gid(getgid()).ok().flatten().map_or_else(|| user.clone(), |group| group.name);
    let mut passwd = format!("{user}:x:{uid}:{gid}:{user}:").into_bytes();
    passwd.extend_from_slice(home.as_os_str().as_bytes());
    passwd.extend_from_slice(b":/bin/sh\n");
    let others =
        [(0, "root:x:0:0:root:/root:/bin/sh\n"), (65534, "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")];
    others.iter().filter(|(other, _)| *other != uid).for_each(|(_, line)| passwd.extend_from_slice(line.as_bytes()));
    let mut groups = format!("{group}:x:{gid}:\n");
    let others = [(0, "root:x:0:\n"), (65534, "nogroup:x:65534:\n")];
    others.iter().filter(|(other, _)| *other != gid).for_each(|(_, line)| groups.push_str(line));
    Account { passwd, group: groups.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_comes_first_with_the_home_inside() {
        let account = of(Path::new("/tmp/home"));
        let text = String::from_utf8(account.passwd).expect("text");
        let first: Vec<&str> = text.lines().next().expect("a line").split(':').collect();
        assert_eq!((first[2], first[5]), (getuid().to_string().as_str(), "/tmp/home"));
        assert_eq!(text.lines().filter(|line| line.contains(":x:0:")).count(), 1);
        assert!(String::from_utf8(account.group).expect("text").contains(&format!(":x:{}:", getgid())));
    }
}
