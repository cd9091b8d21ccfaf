//! The system call filter: what a check has no need of and an escape has.
//!
//! It is short on purpose: the kernel runs it once for every call that there is when it is installed.
//!
//! ```text
//! architecture ► calls that hide what they are asked ► always refused ► asked about their arguments ► allowed
//! ```

use libc::{c_long, sock_filter};

/// Always refused: other processes' memory, keys, mounts, namespaces, kernel images, and io_uring, which no filter sees into.
const REFUSED: &[c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_memfd_secret,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_process_madvise,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_mark,
    libc::SYS_quotactl_fd,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_vhangup,
    OPEN_TREE_ATTR,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
];

/// Younger than the library's list.
const OPEN_TREE_ATTR: c_long = 467;

/// A segment of shared memory in the manner of System V: enough for locks and tables.
const SEGMENT_BYTES: u32 = 64 << 10;

/// Calls that give a file its mode, and which argument that is.
const LASTING_MODES: &[(c_long, u8)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (FCHMODAT2, 2),
    (libc::SYS_openat, 3),
    (libc::SYS_mknodat, 2),
];

/// Younger than the library's list.
const FCHMODAT2: c_long = 452;

pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: u32 = 0;

/// What every filter begins with: another architecture's calls end the process, and the call's number is at hand behind.
pub(crate) fn only_this_architecture() -> Result<Vec<sock_filter>, String> {
    if ARCH == 0 {
        return Err(format!("no filter is known for {}", std::env::consts::ARCH));
    }
    Ok(vec![
        line(LOAD, 0, 0, 4),
        line(EQUAL, 1, 0, ARCH),
        line(GIVE, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        line(LOAD, 0, 0, 0),
    ])
}

/// What stands before the rules. Calls that the rules could not judge do not exist: clone3 and openat2 hide what they
/// are asked in memory (libraries then use clone and openat), and the numbers from 2^30 on are those of x32. And connect
/// is the door's, with its address in memory.
fn unseen() -> [sock_filter; 6] {
    [
        line(EQUAL, 3, 0, libc::SYS_clone3 as u32),
        line(EQUAL, 2, 0, libc::SYS_openat2 as u32),
        line(FROM, 1, 0, 0x4000_0000),
        line(EQUAL, 1, 2, libc::SYS_connect as u32),
        line(GIVE, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(GIVE, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        // The rest goes on behind, with the call's number at hand.
    ]
}

pub(crate) const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
pub(crate) const GIVE: u32 = libc::BPF_RET | libc::BPF_K;
pub(crate) const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const FROM: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
pub(crate) const ANY_OF: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
pub(crate) const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
pub(crate) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// One line: what to do, how many lines to leave out where a comparison holds and where it does not, and a number.
pub(crate) fn line(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}

/// The program for `SECCOMP_SET_MODE_FILTER`; an error is an architecture that is not known.
pub(crate) fn program() -> Result<Vec<sock_filter>, String> {
    let asked = asked();
    let mut all = only_this_architecture()?;
    all.extend(unseen());
    let lines = REFUSED.len() + asked.len();
    let leap = |from: usize, to: usize| u8::try_from(to - from - 1).expect("the program is short");
    for (n, call) in REFUSED.iter().enumerate() {
        all.push(line(EQUAL, leap(n, lines + 1), 0, *call as u32));
    }
    let mut block = lines + 2;
    for (n, (call, lines)) in asked.iter().enumerate() {
        all.push(line(EQUAL, leap(REFUSED.len() + n, block), 0, *call as u32));
        block += lines.len();
    }
    all.extend([line(GIVE, 0, 0, ALLOW), line(GIVE, 0, 0, REFUSE)]);
    all.extend(asked.into_iter().flat_map(|(_, lines)| lines));
    Ok(all)
}

/// Calls whose arguments decide, with the lines that do.
fn asked() -> Vec<(c_long, Vec<sock_filter>)> {
    let mut all = vec![
        (libc::SYS_clone, refuse_where(0, &[(ANY_OF, NAMESPACES as u32)])),
        (libc::SYS_socket, sockets(&[(libc::AF_INET, libc::SOCK_DGRAM), (libc::AF_INET6, libc::SOCK_DGRAM), LOCAL])),
        (libc::SYS_socketpair, sockets(&[LOCAL])),
        (libc::SYS_ioctl, refuse_where(1, &REQUESTS.map(|request| (EQUAL, request as u32)))),
        // Limits are the command's to change, not those of the process that watches over it.
        (libc::SYS_prlimit64, refuse_where(0, &[(EQUAL, 1)])),
        (libc::SYS_shmget, refuse_larger(1, SEGMENT_BYTES)),
    ];
    // A file that lasts must not lend its owner's rights to whoever runs it.
    all.extend(LASTING_MODES.iter().map(|(call, mode)| (*call, refuse_where(*mode, &[(ANY_OF, 0o4000)]))));
    all
}

/// Typing at a terminal, and what else a terminal can be made to do.
const REQUESTS: [u64; 3] = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD];
/// A family with the other kind that it may have beside streams. Datagrams carry an address each, past the door, so those
/// of AF_UNIX are refused; its packets know only the other end.
const LOCAL: (libc::c_int, libc::c_int) = (libc::AF_UNIX, libc::SOCK_SEQPACKET);

/// The lower half of an argument, where all but sizes fit.
pub(crate) fn argument(number: u8) -> sock_filter {
    line(LOAD, 0, 0, 16 + 8 * u32::from(number))
}

/// Refuses where one of these comparisons of an argument holds.
fn refuse_where(number: u8, any: &[(u32, u32)]) -> Vec<sock_filter> {
    decide(number, any, [ALLOW, REFUSE])
}

/// Allows only where one of these comparisons of an argument holds.
pub(crate) fn allow_where(number: u8, any: &[(u32, u32)]) -> Vec<sock_filter> {
    decide(number, any, [REFUSE, ALLOW])
}

fn decide(number: u8, any: &[(u32, u32)], [none, one]: [u32; 2]) -> Vec<sock_filter> {
    let mut lines = vec![argument(number)];
    let left = |n: usize| u8::try_from(any.len() - n).expect("a few");
    lines.extend(any.iter().enumerate().map(|(n, (how, value))| line(*how, left(n), 0, *value)));
    lines.extend([line(GIVE, 0, 0, none), line(GIVE, 0, 0, one)]);
    lines
}

/// Refuses a size above this one.
fn refuse_larger(number: u8, most: u32) -> Vec<sock_filter> {
    let upper = line(LOAD, 0, 0, 16 + 8 * u32::from(number) + 4);
    vec![
        upper,
        line(EQUAL, 0, 3, 0),
        argument(number),
        line(FROM, 1, 0, most + 1),
        line(GIVE, 0, 0, ALLOW),
        line(GIVE, 0, 0, REFUSE),
    ]
}

/// Allows streams of these families and one more kind of each, and nothing else.
fn sockets(families: &[(libc::c_int, libc::c_int)]) -> Vec<sock_filter> {
    let mut lines = Vec::new();
    for (family, other) in families {
        lines.extend([
            argument(0),
            line(EQUAL, 0, 6, *family as u32),
            argument(1),
            // Flags stand above the kind.
            line(AND, 0, 0, 0xf),
            line(EQUAL, 1, 0, libc::SOCK_STREAM as u32),
            line(EQUAL, 0, 1, *other as u32),
            line(GIVE, 0, 0, ALLOW),
            line(GIVE, 0, 0, REFUSE),
        ]);
    }
    lines.push(line(GIVE, 0, 0, REFUSE));
    lines
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn verdict(call: c_long, args: [u64; 2]) -> u32 {
        carried_out(&program().expect("a program"), call, &args)
    }

    /// What the kernel would do with a call: the program, carried out.
    pub(crate) fn carried_out(program: &[sock_filter], call: c_long, args: &[u64]) -> u32 {
        let word = |at: u32| match at {
            0 => call as u32,
            4 => ARCH,
            at => (args.get((at as usize - 16) / 8).copied().unwrap_or(0) >> (8 * (at % 8))) as u32,
        };
        let (mut at, mut held) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            let go = |yes: bool| usize::from(if yes { jt } else { jf });
            at += 1 + match u32::from(code) {
                LOAD => {
                    held = word(k);
                    0
                }
                AND => {
                    held &= k;
                    0
                }
                EQUAL => go(held == k),
                FROM => go(held >= k),
                ANY_OF => go(held & k != 0),
                GIVE => return k,
                code => panic!("what is {code}?"),
            };
        }
    }

    #[test]
    fn ordinary_calls_are_allowed_and_dangerous_ones_refused() {
        for call in [libc::SYS_read, libc::SYS_execve, libc::SYS_futex, libc::SYS_bind, libc::SYS_sendmsg] {
            assert_eq!(verdict(call, [0, 0]), ALLOW, "{call}");
        }
        for call in REFUSED {
            assert_eq!(verdict(*call, [0, 0]), REFUSE, "{call}");
        }
        assert_eq!(verdict(libc::SYS_connect, [0, 0]), libc::SECCOMP_RET_USER_NOTIF);
        for call in [libc::SYS_clone3, libc::SYS_openat2, 0x4000_0000, 0x4000_0000 + libc::SYS_connect] {
            assert_eq!(verdict(call, [0, 0]), libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32, "{call}");
        }
    }

    #[test]
    fn arguments_decide() {
        let on = |yes: bool| if yes { ALLOW } else { REFUSE };
        let cloexec = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        for (family, kind, ok) in [
            (libc::AF_UNIX, libc::SOCK_STREAM, true),
            (libc::AF_UNIX, libc::SOCK_SEQPACKET, true),
            (libc::AF_UNIX, libc::SOCK_DGRAM, false),
            (libc::AF_UNIX, libc::SOCK_RAW, false),
            (libc::AF_INET, libc::SOCK_STREAM, true),
            (libc::AF_INET6, libc::SOCK_DGRAM, true),
            (libc::AF_INET, libc::SOCK_RAW, false),
            (libc::AF_NETLINK, libc::SOCK_DGRAM, false),
            (libc::AF_VSOCK, libc::SOCK_STREAM, false),
        ] {
            let pair = ok && family == libc::AF_UNIX;
            for flags in [0, cloexec] {
                let args = [family as u64, (kind | flags) as u64];
                assert_eq!(verdict(libc::SYS_socket, args), on(ok), "{family} {kind}");
                assert_eq!(verdict(libc::SYS_socketpair, args), on(pair), "{family} {kind}");
            }
        }
        for (call, args, ok) in [
            (libc::SYS_clone, [(libc::CLONE_VM | libc::CLONE_THREAD) as u64, 0], true),
            (libc::SYS_clone, [libc::CLONE_NEWUSER as u64, 0], false),
            (libc::SYS_clone, [(libc::CLONE_VM | libc::CLONE_NEWNET) as u64, 0], false),
            (libc::SYS_ioctl, [0, libc::TIOCGWINSZ], true),
            (libc::SYS_ioctl, [0, libc::TIOCSTI], false),
            (libc::SYS_ioctl, [0, libc::TIOCSTI | 1 << 32], false),
            (libc::SYS_prlimit64, [0, 0], true),
            (libc::SYS_prlimit64, [1, 0], false),
            (libc::SYS_shmget, [0, 4096], true),
            (libc::SYS_shmget, [0, 64 << 10], true),
            (libc::SYS_shmget, [0, (64 << 10) + 1], false),
            (libc::SYS_shmget, [0, 1 << 32], false),
            (libc::SYS_fchmod, [0, 0o2755], true),
            (libc::SYS_fchmod, [0, 0o4755], false),
        ] {
            assert_eq!(verdict(call, args), on(ok), "{call} {args:?}");
        }
    }
}
