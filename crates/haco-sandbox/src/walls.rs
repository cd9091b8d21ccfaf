//! Which walls this machine has, each tried, and how to get those that it lacks.

use crate::cannot::CannotRun;
use crate::layer::Layer;

/// One wall, and whether it can be had here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// Which.
    pub layer: Layer,
    /// Whether a command ran behind it just now.
    pub ok: bool,
    /// What it is, or what the system said.
    pub detail: String,
    /// How to get it, where it is missing.
    pub fix: Option<String>,
}

/// Runs a command that does nothing behind every wall that can be had, and says which those are.
#[cfg(target_os = "linux")]
pub fn walls() -> Vec<Wall> {
    use crate::job::{Job, Program};
    let job = Job { allow_weaker: Layer::ALL, ..Job::new(Program::Shell(":"), std::path::Path::new("/")) };
    let (answer, gone) = crate::launch::attempts(&job);
    let wall = |layer: &Layer| {
        let cause = match (&answer, gone.iter().find(|(missing, _)| missing == layer)) {
            (_, Some((_, cause))) => Some(cause.clone()),
            (Err(error), None) => Some(error.to_string()),
            (Ok(_), None) => None,
        };
        of(*layer, cause)
    };
    Layer::ALL.iter().map(wall).collect()
}

/// Says that there are none: they are Linux's.
#[cfg(not(target_os = "linux"))]
pub fn walls() -> Vec<Wall> {
    Layer::ALL.iter().map(|layer| of(*layer, Some("this system is not Linux".to_owned()))).collect()
}

fn of(layer: Layer, cause: Option<String>) -> Wall {
    let fix = cause.is_some().then(|| fix(layer));
    Wall { layer, ok: cause.is_none(), detail: cause.unwrap_or_else(|| meaning(layer).to_owned()), fix }
}

/// The failure for a wall that cannot be had, with what would help here.
pub(crate) fn missing(layer: Layer, cause: &str) -> CannotRun {
    CannotRun::MissingWall { layer, cause: cause.to_owned(), fix: fix(layer) }
}

fn meaning(layer: Layer) -> &'static str {
    match layer {
        Layer::User => "rights over itself only",
        Layer::Mount => "sees system directories, toolchains and what it was given, and nothing else",
        Layer::Pid => "sees no process but its own, and none survives",
        Layer::Net => "a loopback of its own and nothing else",
        Layer::Ipc => "shared memory and message queues of its own",
        Layer::Uts => "a host name of its own",
        Layer::Cgroup => "does not see its control group",
        Layer::Limits => "file size, open files, processes, no core dumps",
        Layer::Landlock => "a second fence around what may be written",
        Layer::Seccomp => "no system call that a check has no need of",
    }
}

/// Where Linux distributions forbid user namespaces: the file, what it then holds, and what allows them.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
];

fn fix(layer: Layer) -> String {
    let holds = |file: &str| std::fs::read_to_string(format!("/proc/sys/{file}")).unwrap_or_default();
    fix_where(layer, |file| holds(file).trim().to_owned())
}

fn fix_where(layer: Layer, holds: impl Fn(&str) -> String) -> String {
    let switch = SWITCHES.iter().find(|(file, closed, _)| holds(file) == *closed);
    match (layer, switch) {
        (Layer::Landlock, _) => "boot a kernel of 5.13 or later with 'landlock' in its 'lsm=' parameter".to_owned(),
        (Layer::Seccomp, _) => "run on x86-64 or AArch64, on a kernel with CONFIG_SECCOMP_FILTER".to_owned(),
        (Layer::Limits, _) => "run where setrlimit(2) may lower limits".to_owned(),
        (_, Some((_, _, command))) => (*command).to_owned(),
        (Layer::Mount, None) => "use a kernel of 5.12 or later; in a container, allow mounts and an unmasked /proc: \
             docker run --security-opt systempaths=unconfined --security-opt seccomp=unconfined"
            .to_owned(),
        (_, None) => "in a container, allow user namespaces: \
                      docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_apparmor_forbids_user_namespaces_the_fix_is_its_switch() {
        let ubuntu = |file: &str| if file.contains("apparmor") { "1".to_owned() } else { "100".to_owned() };
        let fix = fix_where(Layer::User, ubuntu);
        assert_eq!(fix, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
        assert!(fix_where(Layer::User, |_| String::new()).contains("docker run"));
    }

    #[test]
    fn a_missing_wall_has_a_cause_and_a_fix() {
        let wall = of(Layer::Landlock, Some("ENOSYS".to_owned()));
        assert!(!wall.ok && wall.detail == "ENOSYS" && wall.fix.is_some());
        assert_eq!(of(Layer::Landlock, None).fix, None);
    }
}
