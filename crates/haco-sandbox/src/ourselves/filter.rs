//! The system calls that are left to a process which talks over open sockets: a list of what is allowed, and nothing else.

use libc::{c_long, sock_filter};

use crate::filter::{
    ALLOW, ANY_OF, EQUAL, GIVE, NAMESPACES, REFUSE, allow_where, argument, line, only_this_architecture,
};

/// Memory, time, threads, randomness, and what is open already.
const ALLOWED: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_ppoll,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// What may be set on a connection: how long to wait, and to send at once.
const OPTIONS: [(libc::c_int, &[libc::c_int]); 2] =
    [(libc::SOL_SOCKET, &[libc::SO_RCVTIMEO, libc::SO_SNDTIMEO]), (libc::IPPROTO_TCP, &[libc::TCP_NODELAY])];

/// What may be done with a descriptor: never have it send signals.
const COMMANDS: [libc::c_int; 5] = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC];

/// The program for the process of this number; an error is an architecture that is not known.
pub(super) fn program(pid: u32) -> Result<Vec<sock_filter>, String> {
    let asked = asked(pid);
    let mut all = only_this_architecture()?;
    let lines = 1 + ALLOWED.len() + asked.len();
    let leap = |from: usize, to: usize| u8::try_from(to - from - 1).expect("the program is short");
    // Libraries that are told that there is no clone3, whose flags lie in memory, use clone.
    all.push(line(EQUAL, leap(0, lines + 2), 0, libc::SYS_clone3 as u32));
    for (n, call) in ALLOWED.iter().enumerate() {
        all.push(line(EQUAL, leap(1 + n, lines + 1), 0, *call as u32));
    }
    let mut block = lines + 3;
    for (n, (call, lines)) in asked.iter().enumerate() {
        all.push(line(EQUAL, leap(1 + ALLOWED.len() + n, block), 0, *call as u32));
        block += lines.len();
    }
    let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    all.extend([line(GIVE, 0, 0, REFUSE), line(GIVE, 0, 0, ALLOW), line(GIVE, 0, 0, absent)]);
    all.extend(asked.into_iter().flat_map(|(_, lines)| lines));
    Ok(all)
}

/// Calls whose arguments decide, with the lines that do.
fn asked(pid: u32) -> Vec<(c_long, Vec<sock_filter>)> {
    let commands = COMMANDS.map(|command| (EQUAL, command as u32));
    vec![
        (libc::SYS_clone, a_thread()),
        (libc::SYS_mmap, no_code(2)),
        (libc::SYS_mprotect, no_code(2)),
        (libc::SYS_fcntl, allow_where(1, &commands)),
        (libc::SYS_setsockopt, options()),
        (libc::SYS_prctl, allow_where(0, &[(EQUAL, libc::PR_SET_NAME as u32)])),
        // How a process ends itself when it finds a bug.
        (libc::SYS_tgkill, allow_where(0, &[(EQUAL, pid)])),
    ]
}

/// A thread of this process, and neither a process nor a namespace.
fn a_thread() -> Vec<sock_filter> {
    vec![
        argument(0),
        line(ANY_OF, 2, 0, NAMESPACES as u32),
        line(ANY_OF, 0, 1, libc::CLONE_THREAD as u32),
        line(GIVE, 0, 0, ALLOW),
        line(GIVE, 0, 0, REFUSE),
    ]
}

/// Memory that cannot be executed.
fn no_code(protection: u8) -> Vec<sock_filter> {
    vec![
        argument(protection),
        line(ANY_OF, 1, 0, libc::PROT_EXEC as u32),
        line(GIVE, 0, 0, ALLOW),
        line(GIVE, 0, 0, REFUSE),
    ]
}

fn options() -> Vec<sock_filter> {
    let mut lines = Vec::new();
    for (level, names) in OPTIONS {
        let rest = names.len() as u8;
        lines.extend([argument(1), line(EQUAL, 0, rest + 3, level as u32), argument(2)]);
        lines.extend(names.iter().zip(0..).map(|(name, n)| line(EQUAL, rest - n, 0, *name as u32)));
        lines.extend([line(GIVE, 0, 0, REFUSE), line(GIVE, 0, 0, ALLOW)]);
    }
    lines.push(line(GIVE, 0, 0, REFUSE));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::tests::carried_out;

    const PID: u32 = 7;

    fn allows(call: c_long, args: &[u64]) -> bool {
        let program = program(PID).expect("a program");
        match carried_out(&program, call, args) {
            ALLOW => true,
            REFUSE => false,
            other => panic!("{call}: {other:x}"),
        }
    }

    #[test]
    fn only_what_is_open_memory_time_and_threads_are_left() {
        for call in [libc::SYS_read, libc::SYS_sendto, libc::SYS_recvmsg, libc::SYS_brk, libc::SYS_exit_group] {
            assert!(allows(call, &[]), "{call}");
        }
        for call in 0..500 {
            let listed = ALLOWED.contains(&call) || asked(PID).iter().any(|(known, _)| *known == call);
            if !listed && call != libc::SYS_clone3 {
                assert!(!allows(call, &[]), "{call}");
            }
        }
        for call in [libc::SYS_openat, libc::SYS_socket, libc::SYS_connect, libc::SYS_execve, libc::SYS_kill] {
            assert!(!ALLOWED.contains(&call), "{call}");
        }
        let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        assert_eq!(carried_out(&program(PID).expect("a program"), libc::SYS_clone3, &[]), absent);
    }

    #[test]
    fn arguments_decide() {
        let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
        let write = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let code = write | libc::PROT_EXEC as u64;
        let (socket, tcp) = (libc::SOL_SOCKET as u64, libc::IPPROTO_TCP as u64);
        for (call, args, ok) in [
            (libc::SYS_clone, vec![thread], true),
            (libc::SYS_clone, vec![libc::SIGCHLD as u64], false),
            (libc::SYS_clone, vec![thread | libc::CLONE_NEWNET as u64], false),
            (libc::SYS_mmap, vec![0, 0, write], true),
            (libc::SYS_mmap, vec![0, 0, code], false),
            (libc::SYS_mprotect, vec![0, 0, code], false),
            (libc::SYS_fcntl, vec![0, libc::F_GETFL as u64], true),
            (libc::SYS_fcntl, vec![0, libc::F_SETOWN as u64], false),
            (libc::SYS_setsockopt, vec![0, socket, libc::SO_RCVTIMEO as u64], true),
            (libc::SYS_setsockopt, vec![0, socket, libc::SO_SNDTIMEO as u64], true),
            (libc::SYS_setsockopt, vec![0, tcp, libc::TCP_NODELAY as u64], true),
            (libc::SYS_setsockopt, vec![0, socket, libc::SO_BINDTODEVICE as u64], false),
            (libc::SYS_setsockopt, vec![0, tcp, libc::TCP_ULP as u64], false),
            (libc::SYS_setsockopt, vec![0, 0, libc::SO_RCVTIMEO as u64], false),
            (libc::SYS_prctl, vec![libc::PR_SET_NAME as u64], true),
            (libc::SYS_prctl, vec![libc::PR_SET_DUMPABLE as u64], false),
            (libc::SYS_tgkill, vec![u64::from(PID)], true),
            (libc::SYS_tgkill, vec![1], false),
        ] {
            assert_eq!(allows(call, &args), ok, "{call} {args:?}");
        }
    }
}
