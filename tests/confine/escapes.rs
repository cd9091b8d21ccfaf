//! Every attempt to get out succeeds outside and fails inside.

use super::{
    table::{Attempt, read},
    world::{Account, World},
};
use crate::call::PATIENCE;
use haco_sandbox::terminal;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{ErrorKind, Read},
    os::unix::{
        fs::{OpenOptionsExt, PermissionsExt},
        process::ExitStatusExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What a failed attempt ends with: by itself, by its time, by a limit, or by the filter.
const HELD: [i32; 9] = [1, 2, 9, 124, 137, 153, 159, 128 + 11, 128 + 6];
/// The flag of open(2) that does not wait for the other side of a pipe.
const NONBLOCK: i32 = 0o4000;
/// So many attempts of a table are made at once.
const AT_ONCE: usize = 4;

fn all_hold(table: &str) {
    for account in Account::all() {
        let (world, attempts) = (World::new(*account), read(table, *account));
        each(&attempts, |attempt, number| holds(&world, attempt, number));
    }
}

/// Asks about each of a table, several at once, and fails with the names of all that say no.
pub fn each(all: &[Attempt], ask: impl Fn(&Attempt, usize) -> Result<(), String> + Sync) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = all.get(number) else { break };
                    if let Err(why) = ask(one, number) {
                        failures.lock().expect("nobody panics").push(format!("{}: {why}", one.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panicked");
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), all.len(), failures.join("\n"));
}

fn holds(world: &World, attempt: &Attempt, number: usize) -> Result<(), String> {
    let fifo = attempt.survives.then(|| fifo(world, number));
    let outside = match attempt.endless {
        true => ["timeout", "1.2"].iter().map(|word| (*word).to_owned()).chain(attempt.argv.iter().cloned()).collect(),
        false => attempt.argv.clone(),
    };
    let control = made(world, attempt, number, &outside, fifo.as_ref().map(|(file, _)| file));
    if !control.succeeded {
        return Err(format!("does not succeed outside: {} {}", control.status, control.said));
    }
    // Who survived the control still holds its pipe.
    let fifo = fifo.map(|(_, path)| {
        fs::remove_file(&path).expect("removed");
        self::fifo(world, number)
    });
    let mut with: Vec<String> = attempt.with.clone();
    with.extend(["--timeout", if attempt.endless { "1200ms" } else { "20s" }].map(str::to_owned));
    let inside = world.confined(&with, &attempt.argv);
    let inside = made(world, attempt, number, &inside, fifo.as_ref().map(|(file, _)| file));
    let refused = HELD.contains(&inside.status) || attempt.leaves.is_some() || attempt.survives;
    match inside.succeeded {
        true => Err(format!("SUCCEEDS: {}", inside.said)),
        false if !refused => Err(format!("was not made: {} {}", inside.status, inside.said)),
        false => Ok(()),
    }
}

/// What came of an attempt.
struct Made {
    succeeded: bool,
    status: i32,
    said: String,
}

fn made(world: &World, attempt: &Attempt, number: usize, argv: &[String], fifo: Option<&File>) -> Made {
    let logs = ["out", "err"].map(|kind| world.path("out").join(format!("{number}.{kind}")));
    let log = |path: &PathBuf| {
        let file = File::create(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o666)).map(|()| file)
    };
    let [out, err] = logs.each_ref().map(|path| log(path).expect("made"));
    let status = world.outside(argv, number).stdout(out).stderr(err).status().expect("sh runs");
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let left = attempt.leaves.as_ref().map(|path| PathBuf::from(world.filled(path, number)));
    let succeeded = match (&left, fifo) {
        (Some(path), _) => path.symlink_metadata().is_ok(),
        (None, Some(fifo)) => is_held(fifo),
        (None, None) => status == 0,
    };
    if let Some(path) = left.filter(|path| path.symlink_metadata().is_ok()) {
        let removed = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        removed.expect("removed");
    }
    let said = logs.iter().map(|path| String::from_utf8_lossy(&fs::read(path).expect("read")).into_owned()).collect();
    Made { succeeded, status, said }
}

/// A pipe with a name, open for reading without waiting.
fn fifo(world: &World, number: usize) -> (File, PathBuf) {
    let path = world.path("rw/fifo").join(number.to_string());
    let made = Command::new("mkfifo").arg("-m666").arg(&path).stdin(Stdio::null()).status().expect("mkfifo runs");
    assert!(made.success());
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(&path).expect("opened");
    (file, path)
}

/// Whether some process has the pipe open for writing.
fn is_held(mut fifo: &File) -> bool {
    match fifo.read(&mut [0; 8]) {
        Ok(n) => n > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[test]
fn no_network_of_the_host_is_reached_by_any_family_or_road() {
    all_hold(include_str!("tables/network"));
}

#[test]
fn no_file_is_read_or_written_but_what_is_given() {
    all_hold(include_str!("tables/files"));
}

#[test]
fn nothing_of_the_callers_environment_comes_along() {
    all_hold(include_str!("tables/environment"));
}

#[test]
fn no_descriptor_comes_along() {
    all_hold(include_str!("tables/descriptors"));
}

#[test]
fn no_other_process_is_seen_or_touched() {
    all_hold(include_str!("tables/processes"));
}

#[test]
fn no_privilege_is_had_or_gained() {
    all_hold(include_str!("tables/privilege"));
}

#[test]
fn no_limit_is_passed() {
    all_hold(include_str!("tables/resources"));
}

#[test]
fn nothing_outlives_its_time() {
    all_hold(include_str!("tables/time"));
}

/// The same at a terminal, which is not the sandbox's business.
#[test]
fn no_terminal_is_reached() {
    for account in Account::all() {
        let (world, attempts) = (World::new(*account), read(include_str!("tables/terminal"), *account));
        each(&attempts, |attempt, number| {
            let with = ["--env", "TTY", "--timeout", "20s"].map(str::to_owned);
            let outside = at_terminal(&world, &attempt.argv, number);
            let inside = at_terminal(&world, &world.confined(&with, &attempt.argv), number);
            match (outside, inside) {
                ((0, _), (0, said)) => Err(format!("SUCCEEDS: {said}")),
                ((0, _), (status, said)) if !HELD.contains(&status) => Err(format!("was not made: {status} {said}")),
                ((0, _), _) => Ok(()),
                ((status, said), _) => Err(format!("does not succeed outside: {status} {said}")),
            }
        });
    }
}

fn at_terminal(world: &World, argv: &[String], number: usize) -> (i32, String) {
    let named = "TTY=$(tty); export TTY; exec \"$@\"";
    let words: Vec<String> =
        ["sh", "-c", named, "sh"].iter().map(|word| (*word).to_owned()).chain(argv.iter().cloned()).collect();
    let command = world.outside(&words, number);
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let all: Vec<String> = [command.get_program()].into_iter().chain(command.get_args()).map(text).collect();
    let env: Vec<_> = command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
    let session = terminal::run(&all, &world.path("rw"), Some(&env), &[], PATIENCE).expect("it runs");
    (session.status.code().unwrap_or(128), session.text())
}
