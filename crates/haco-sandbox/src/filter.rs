//! The system call filter: what a check has no need of and an escape has.

use std::collections::BTreeMap;

use libc::{c_long, sock_filter};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, Gt, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

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
const SEGMENT_BYTES: u64 = 64 << 10;

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

const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// The program for `SECCOMP_SET_MODE_FILTER`; an error is an architecture that is not known.
pub(crate) fn program() -> Result<Vec<sock_filter>, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = rules()
        .and_then(|rules| SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch))
        .map_err(|e| e.to_string())?;
    let body: BpfProgram = filter.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let body = body.iter().map(|line| sock_filter { code: line.code, jt: line.jt, jf: line.jf, k: line.k });
    Ok(unseen().into_iter().chain(body).collect())
}

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: u32 = 0;

/// What stands before the rules. Another architecture's calls end the process. Calls that the rules could not judge do
/// not exist: clone3 and openat2 hide what they are asked in memory (libraries then use clone and openat), and the numbers from 2^30 on are those of
/// x32. And connect is the door's, with its address in memory.
fn unseen() -> [sock_filter; 11] {
    let line = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let (load, give) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_RET | libc::BPF_K);
    let (equal, from) = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
    [
        line(load, 0, 0, 4),
        line(equal, 1, 0, ARCH),
        line(give, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        line(load, 0, 0, 0),
        line(equal, 3, 0, libc::SYS_clone3 as u32),
        line(equal, 2, 0, libc::SYS_openat2 as u32),
        line(from, 1, 0, 0x4000_0000),
        line(equal, 1, 2, libc::SYS_connect as u32),
        line(give, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(give, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        // Where the rest lands; the rules load what they need.
        line(load, 0, 0, 0),
    ]
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let flag = |flag: libc::c_int| rule(&[(0, Qword, MaskedEq(flag as u64), flag as u64)]);
    rules.insert(libc::SYS_clone, NAMESPACES.into_iter().map(flag).collect::<Result<_, _>>()?);
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
    let other = rule(&families.map(|family| (0, Dword, Ne, family as u64)))?;
    // Datagrams carry an address each, past the door; so those of AF_UNIX are refused, and raw ones of any kind.
    let kind = |kind: libc::c_int| (1, Dword, MaskedEq(0xf), kind as u64);
    let local = |of| rule(&[(0, Dword, Eq, libc::AF_UNIX as u64), kind(of)]);
    rules.insert(libc::SYS_socket, vec![other, local(libc::SOCK_DGRAM)?, rule(&[kind(libc::SOCK_RAW)])?]);
    rules.insert(libc::SYS_socketpair, vec![local(libc::SOCK_DGRAM)?, local(libc::SOCK_RAW)?]);
    let typing = |request: u64| rule(&[(1, Dword, Eq, request)]);
    let requests = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD];
    rules.insert(libc::SYS_ioctl, requests.into_iter().map(typing).collect::<Result<_, _>>()?);
    // Segments that nobody has mapped are seen by nobody who counts memory.
    let large = rule(&[(1, Qword, Gt, SEGMENT_BYTES)])?;
    rules.insert(libc::SYS_shmget, vec![large]);
    // A file that lasts must not lend its owner's rights to whoever runs it.
    for (call, mode) in LASTING_MODES {
        rules.insert(*call, vec![rule(&[(*mode, Dword, MaskedEq(0o4000), 0o4000)])?]);
    }
    // Limits and priorities are the command's to change, not those of the process that watches over it.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[(0, Dword, Eq, 1)])?]);
    Ok(rules)
}

/// A rule that holds where all of its comparisons of an argument hold.
fn rule(all: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)]) -> Result<SeccompRule, seccompiler::BackendError> {
    let one = |(arg, size, how, value): &(u8, SeccompCmpArgLen, SeccompCmpOp, u64)| {
        SeccompCondition::new(*arg, size.clone(), how.clone(), *value)
    };
    SeccompRule::new(all.iter().map(one).collect::<Result<_, _>>()?)
}
