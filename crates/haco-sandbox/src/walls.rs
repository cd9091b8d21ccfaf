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
    Wall { layer, ok: cause.is_none(), detail: cause.unwrap_or_else(|| detail(layer)), fix }
}

/// The failure for a wall that cannot be had, with what would help here.
pub(crate) fn missing(layer: Layer, cause: &str) -> CannotRun {
    CannotRun::MissingWall { layer, cause: cause.to_owned(), fix: fix(layer) }
}

/// What it is, and of Landlock which version: later ones forbid more to a process that confines itself.
fn detail(layer: Layer) -> String {
    match layer {
        #[cfg(target_os = "linux")]
        Layer::Landlock => {
            format!("{}, version {}", meaning(layer), crate::sys::landlock_version().unwrap_or_default())
        }
        _ => meaning(layer).to_owned(),
    }
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

/// What this machine is, as far as it matters for how to get a wall.
struct Machine {
    /// What a switch of the kernel's holds; nothing where there is none.
    holds: fn(&str) -> String,
    container: bool,
    /// On somebody else's machine, where only its configuration can be changed.
    runner: bool,
    /// Windows' kernel for Linux programs.
    windows: bool,
    /// The distribution's name for itself.
    distribution: String,
}

fn fix(layer: Layer) -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let distribution = release.lines().find_map(|line| line.strip_prefix("ID=")).unwrap_or_default();
    fix_on(
        layer,
        &Machine {
            holds: |file| std::fs::read_to_string(format!("/proc/sys/{file}")).unwrap_or_default().trim().to_owned(),
            container: ["/.dockerenv", "/run/.containerenv"].iter().any(|file| std::path::Path::new(file).exists()),
            runner: ["GITHUB_ACTIONS", "GITLAB_CI"].iter().any(|name| std::env::var_os(name).is_some()),
            windows: std::fs::read_to_string("/proc/version").is_ok_and(|text| text.contains("icrosoft")),
            distribution: distribution.trim_matches('"').to_owned(),
        },
    )
}

fn fix_on(layer: Layer, machine: &Machine) -> String {
    let switch = SWITCHES.iter().find(|(file, closed, _)| (machine.holds)(file) == *closed);
    match (layer, switch) {
        (Layer::Landlock, _) if machine.windows => "wsl --update".to_owned(),
        (Layer::Landlock, _) => "boot a kernel of 5.13 or later with 'landlock' in its 'lsm=' parameter".to_owned(),
        (Layer::Seccomp, _) => "run outside of any sandbox that filters calls itself, on x86-64 or AArch64, \
             with a kernel of 5.6 or later"
            .to_owned(),
        (Layer::Limits, _) => "run where setrlimit(2) may lower limits".to_owned(),
        (_, Some((_, _, command))) if machine.runner => format!("add this step to the job before haco: {command}"),
        (_, Some((_, _, command))) => (*command).to_owned(),
        _ if machine.container => "start the container with: docker run --security-opt seccomp=unconfined \
             --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
            .to_owned(),
        _ if machine.windows => "wsl --set-version <distribution> 2, and wsl --update".to_owned(),
        (Layer::Mount, None) => "use a kernel of 5.12 or later".to_owned(),
        (_, None) => other(&machine.distribution),
    }
}

/// Where no switch is closed: what most often is in the way there.
fn other(distribution: &str) -> String {
    match distribution {
        "arch" => "boot 'linux' rather than 'linux-hardened', or: sudo sysctl -w kernel.unprivileged_userns_clone=1",
        "fedora" | "rhel" | "centos" => "sudo sysctl -w user.max_user_namespaces=15000",
        _ => "use a kernel with CONFIG_USER_NS, outside of any container or sandbox",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Machine = Machine {
        holds: |_| String::new(),
        container: false,
        runner: false,
        windows: false,
        distribution: String::new(),
    };

    #[test]
    fn a_closed_switch_is_what_to_open() {
        let ubuntu: fn(&str) -> String =
            |file| if file.contains("apparmor") { "1".to_owned() } else { "100".to_owned() };
        let fix = fix_on(Layer::User, &Machine { holds: ubuntu, ..PLAIN });
        assert_eq!(fix, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
        let fix = fix_on(Layer::User, &Machine { holds: ubuntu, runner: true, ..PLAIN });
        assert!(fix.starts_with("add this step to the job before haco: sudo sysctl"), "{fix}");
        let debian: fn(&str) -> String =
            |file| if file.ends_with("userns_clone") { "0".to_owned() } else { String::new() };
        let fix = fix_on(Layer::Net, &Machine { holds: debian, container: true, ..PLAIN });
        assert_eq!(fix, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
    }

    #[test]
    fn where_no_switch_is_closed_the_surroundings_say_what_helps() {
        let on = |machine: Machine| fix_on(Layer::User, &machine);
        assert!(on(Machine { container: true, ..PLAIN }).contains("docker run"));
        assert!(on(Machine { windows: true, ..PLAIN }).contains("wsl"));
        assert!(on(Machine { distribution: "arch".to_owned(), ..PLAIN }).contains("linux-hardened"));
        assert!(on(Machine { distribution: "fedora".to_owned(), ..PLAIN }).contains("max_user_namespaces"));
        assert!(on(PLAIN).contains("CONFIG_USER_NS"));
    }

    #[test]
    fn a_missing_wall_has_a_cause_and_a_fix() {
        let wall = of(Layer::Landlock, Some("ENOSYS".to_owned()));
        assert!(!wall.ok && wall.detail == "ENOSYS" && wall.fix.is_some());
        assert_eq!(of(Layer::Landlock, None).fix, None);
    }
}
