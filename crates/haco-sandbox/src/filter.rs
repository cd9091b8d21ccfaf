//! The system call filter: what a check has no need of and an escape has.

use std::collections::BTreeMap;

use libc::{c_long, sock_filter};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
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
];

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

/// Calls that the rules could not judge do not exist: clone3 hides its flags in memory (libraries then use clone), and
/// the numbers from 2^30 on are those of x32.
fn unseen() -> [sock_filter; 5] {
    let line = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    [
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, libc::SYS_clone3 as u32),
        line(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, 0x4000_0000),
        line(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        // Where the jump above lands; the body loads what it needs again.
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
    ]
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let flag = |flag: libc::c_int| rule(&[(0, Qword, MaskedEq(flag as u64), flag as u64)]);
    rules.insert(libc::SYS_clone, NAMESPACES.into_iter().map(flag).collect::<Result<_, _>>()?);
    let kinds = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let other = rule(&kinds.map(|kind| (0, Dword, Ne, kind as u64)))?;
    let netlink = rule(&[(0, Dword, Eq, libc::AF_NETLINK as u64), (2, Dword, Ne, libc::NETLINK_ROUTE as u64)])?;
    rules.insert(libc::SYS_socket, vec![other, netlink]);
    let typing = |request: u64| rule(&[(1, Dword, Eq, request)]);
    rules.insert(libc::SYS_ioctl, vec![typing(libc::TIOCSTI)?, typing(libc::TIOCLINUX)?]);
    Ok(rules)
}

/// A rule that holds where all of its comparisons of an argument hold.
fn rule(all: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)]) -> Result<SeccompRule, seccompiler::BackendError> {
    let one = |(arg, size, how, value): &(u8, SeccompCmpArgLen, SeccompCmpOp, u64)| {
        SeccompCondition::new(*arg, size.clone(), how.clone(), *value)
    };
    SeccompRule::new(all.iter().map(one).collect::<Result<_, _>>()?)
}
