//! Dependencies that nobody asked for: base and candidate compared without a network, file by file.
//!
//! `read` knows the formats, `judge` compares what two sides of a manifest name, `lock` what two lockfiles resolve,
//! `import` what source files import; `allow` knows what a ticket lets through, `named` what the project has already.
//! What is added beyond that is refused; what a person should see is a flag. A package manager is never run.
//!
//! ```text
//!  changed files ─► read ─► entries ─┐                        ┌─► refusals, for the next prompt
//!  allowed_dependencies ─────────────┼─► judge, lock, import ─┤
//!  the files around them ────────────┘                        └─► flags, for auditor and person
//! ```

mod allow;
mod entry;
mod import;
mod judge;
mod lock;
mod named;
mod read;
mod say;
#[cfg(test)]
mod tests;

pub use say::{Added, refusal_text};

use crate::{
    delta::{Around, Delta},
    verdict::Finding,
};
use allow::Allowed;
use judge::Judge;
use named::Named;

/// The most refusals and flags of one change; a person reads no more.
const MOST: usize = 50;

/// What a change does to the dependencies of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What is added beyond what the ticket allows.
    pub refused: Vec<Added>,
    /// What is allowed, or no addition, and should be seen.
    pub flags: Vec<Finding>,
}

/// Compares what the files of a change name before and after.
pub fn compare(changes: &[Delta<'_>], allowed: &[String], around: &Around<'_>) -> Report {
    let named = Named::new(changes, around);
    let mut judge = Judge::new(Allowed(allowed), &named);
    let sides: Vec<judge::Sides<'_>> = changes.iter().filter_map(judge::Sides::of).collect();
    judge.remember(&sides);
    sides.iter().for_each(|side| judge.manifest(side));
    sides.iter().for_each(|side| judge.indirect(side));
    sides.iter().for_each(|side| lock::compare(&mut judge, side));
    import::compare(&mut judge, changes, &named, around);
    let mut report = judge.report();
    say::shorten(&mut report, MOST);
    report
}
