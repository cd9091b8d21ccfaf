//! Ordinary programs work inside as they do outside.

use super::{
    escapes::each,
    table::read,
    world::{Account, World},
};

/// For a build on a machine that does other things too.
const PATIENCE: &str = "300s";

#[test]
fn ordinary_programs_work() {
    for account in Account::all() {
        let (world, cases) = (World::new(*account), read(include_str!("tables/ordinary"), *account));
        each(&cases, |case, number| {
            let mut with = case.with.clone();
            with.extend(["--timeout", PATIENCE].map(str::to_owned));
            let done = world.outside(&world.confined(&with, &case.argv), number).output().expect("sh runs");
            let said = String::from_utf8_lossy(&done.stderr);
            if done.status.success() { Ok(()) } else { Err(format!("{} {said}", done.status)) }
        });
    }
}
