//! Tie a program of ours to the life of whoever starts it. Nothing is confined here.

use std::process::Command;

/// Makes the program that `command` starts be terminated (SIGTERM) when the thread that starts it ends, its process's
/// death included. What that program itself starts is its own business. Elsewhere than on Linux nothing is tied.
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let parent = std::process::id();
        let tie = move || {
            let failed = std::io::Error::from_raw_os_error;
            crate::sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as libc::c_ulong, 0).map_err(failed)?;
            // Who died before the tie was made sends no signal any more.
            match nix::unistd::getppid().as_raw() as u32 == parent {
                true => Ok(()),
                false => Err(failed(libc::ESRCH)),
            }
        };
        // SAFETY: between fork and exec this makes two system calls and asks for no memory.
        unsafe { command.pre_exec(tie) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{process::Stdio, time::Instant};

    #[test]
    fn a_program_ends_with_the_thread_that_started_it() {
        let begin = || {
            let mut command = Command::new("sleep");
            command.arg("30").stdin(Stdio::null());
            die_with_parent(&mut command);
            command.spawn().expect("starts")
        };
        let began = Instant::now();
        let mut child = std::thread::spawn(begin).join().expect("starts one");
        let status = child.wait().expect("ends");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGTERM));
        assert!(began.elapsed().as_secs() < 20);
    }
}
