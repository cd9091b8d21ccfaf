//! A machine that lacks a wall: a filter of the test's own refuses the call that would build it.

use haco_sandbox::{CannotRun, Layer, OURSELVES, confine_ourselves, shed};
use libc::{c_long, sock_filter, sock_fprog};

/// Whether this process stands behind the walls of this side, and was refused before where one is missing.
pub fn confined(side: &str) -> bool {
    match side {
        "outside" => true,
        "inside" => shed().is_ok() && confine_ourselves(&[]).is_ok_and(|walls| walls == OURSELVES),
        "filter alone" => without(libc::SYS_landlock_create_ruleset, Layer::Landlock),
        _ => without(libc::SYS_seccomp, Layer::Seccomp),
    }
}

/// Refused without this wall, until it is named as one to do without.
fn without(call: c_long, wall: Layer) -> bool {
    if shed().is_err() || !absent(call) {
        return false;
    }
    let says = |cannot: &CannotRun| match cannot {
        CannotRun::MissingWall { layer, fix, .. } => *layer == wall && !fix.is_empty(),
        _ => false,
    };
    let refused = confine_ourselves(&[]).is_err_and(|cannot| says(&cannot));
    refused && confine_ourselves(&[wall]).is_ok_and(|walls| OURSELVES.iter().all(|w| (*w == wall) != walls.contains(w)))
}

/// From here on the kernel has no such call.
fn absent(call: c_long) -> bool {
    let line = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let give = libc::BPF_RET | libc::BPF_K;
    let lines = [
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call as u32),
        line(give, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(give, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog { len: lines.len() as u16, filter: lines.as_ptr().cast_mut() };
    // SAFETY: only numbers are passed, and then a program that outlives the call.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}
