//! Why a command did not run.

use std::fmt;

use haco_core::code::{Code, Failure};

use crate::Layer;

/// Why a command did not run; nothing of it did.
#[derive(Debug)]
pub enum CannotRun {
    /// A wall cannot be had here, and nobody allowed to do without it.
    MissingWall {
        /// Which.
        layer: Layer,
        /// What the system said.
        cause: String,
        /// How to get it.
        fix: String,
    },
    /// The program is not there.
    NotFound(String),
    /// The program is there and cannot be executed.
    NotExecutable(String),
    /// An overlay could not be had: `share` and `overlays` cannot be shown here. No wall is missing.
    NoOverlay(String),
    /// What was asked for contradicts itself, or shows what never is.
    Refused(String),
    /// A pipe, a path or a process could not be had.
    Io(std::io::Error),
}

impl CannotRun {
    /// The same as a failure with its code, for a person.
    pub fn failure(&self) -> Failure {
        match self {
            CannotRun::MissingWall { fix, .. } => Failure::new(Code::MissingWall, self.to_string()).fix(fix),
            CannotRun::NotFound(_) | CannotRun::NotExecutable(_) => Failure::new(Code::MissingTool, self.to_string()),
            CannotRun::NoOverlay(_) | CannotRun::Refused(_) => Failure::new(Code::CannotConfine, self.to_string()),
            CannotRun::Io(_) => Failure::new(Code::Io, self.to_string()),
        }
    }
}

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotRun::MissingWall { layer, cause, .. } => write!(f, "no wall '{layer}' here: {cause}"),
            CannotRun::NotFound(name) => write!(f, "cannot run '{name}': no such program"),
            CannotRun::NotExecutable(name) => write!(f, "cannot run '{name}': it cannot be executed"),
            CannotRun::NoOverlay(cause) => write!(f, "a directory cannot be shared: no overlay here: {cause}"),
            CannotRun::Refused(why) => f.write_str(why),
            CannotRun::Io(error) => write!(f, "cannot run a confined command: {error}"),
        }
    }
}

impl std::error::Error for CannotRun {}

impl From<std::io::Error> for CannotRun {
    fn from(error: std::io::Error) -> CannotRun {
        CannotRun::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_wall_tells_which_why_and_how_to_get_it() {
        let missing =
            CannotRun::MissingWall { layer: Layer::Net, cause: "EPERM".to_owned(), fix: "sysctl x=0".to_owned() };
        let failure = missing.failure();
        assert_eq!(failure.code, Code::MissingWall);
        assert_eq!(failure.message, "no wall 'network' here: EPERM");
        assert_eq!(failure.fix.as_deref(), Some("sysctl x=0"));
    }
}
