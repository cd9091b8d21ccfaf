//! Trees, candidates, the integration line, diffs, checkouts and pushes, over git objects in process and without touching
//! anyone's working tree, index or HEAD.
//!
//! Objects and refs are read and written through `gix`, named nowhere else; the `git` program does what concerns a
//! working tree, a printed diff or a remote. What a change may hold and who may accept it is decided elsewhere.
#![warn(missing_docs)]

mod apply;
mod beside;
mod checkout;
mod commit;
mod diff;
mod differing;
mod program;
mod refs;
mod remote;
mod repo;
#[cfg(test)]
mod samples;
mod tree;
mod worktree;

pub use apply::Applied;
pub use commit::Who;
pub use diff::DiffStat;
pub use differing::Differing;
pub use refs::Expect;
pub use remote::Pushed;
pub use repo::Repo;
pub use tree::{Entry, Kind};
pub use worktree::PathState;
