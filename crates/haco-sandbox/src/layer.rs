//! The walls by name: what configuration, messages and evidence call them.

use std::fmt;
use std::str::FromStr;

use haco_core::code::{Code, Failure};

macro_rules! layers {
    ($($layer:ident $text:literal $meaning:literal;)*) => {
        /// One wall of the confinement.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Layer { $(#[doc = $meaning] $layer,)* }

        impl Layer {
            /// Every wall, in the order in which they are built.
            pub const ALL: &[Layer] = &[$(Layer::$layer,)*];

            /// The word for configuration and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Layer::$layer => $text,)* }
            }
        }
    };
}

layers! {
    User "user" "A user namespace: whatever rights it has are rights over itself.";
    Mount "mount" "A mount namespace: its own view of the files, read-only but for what it may write.";
    Pid "pid" "A process namespace: it sees and reaches no process but its own, and none survives.";
    Net "network" "A network namespace: a loopback and nothing else.";
    Ipc "ipc" "A namespace for System V and POSIX message queues, semaphores and shared memory.";
    Uts "uts" "A host name of its own.";
    Cgroup "cgroup" "A control group namespace: it does not see where in the machine's it is.";
    Limits "limits" "Resource limits.";
    Landlock "landlock" "Landlock: a second fence around what may be written.";
    Seccomp "seccomp" "A system call filter.";
}

/// The walls around a process of our own that confines itself, in the order in which they are built.
pub const OURSELVES: &[Layer] = &[Layer::Landlock, Layer::Seccomp];

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Layer {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Layer, Failure> {
        Layer::ALL.iter().copied().find(|layer| layer.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Layer::ALL.iter().map(|layer| layer.as_str()).collect();
            Failure::new(Code::BadConfig, format!("'{text}' is no wall: use one of {}", known.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_is_read_back_from_its_word() {
        for layer in Layer::ALL {
            assert_eq!(layer.as_str().parse::<Layer>(), Ok(*layer));
        }
        let no = "moat".parse::<Layer>().expect_err("a moat is no wall");
        assert!(no.message.starts_with("'moat' is no wall: use one of user, mount"), "{no}");
    }
}
