//! The demo's own world: a directory with a home, a repository, a bare remote, the record and a clean environment.

use super::{broken, record, shell::Shell};
use crate::desk;
use anyhow::Result;
use fs_err as fs;
use haco_core::{
    code::{Code, Failure, Status},
    settings::Settings,
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// What a named model's server may need to know of the caller's environment.
const FOR_A_SERVER: [&str; 9] = [
    "OLLAMA_HOST",
    "LMSTUDIO_BASE_URL",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "XDG_CONFIG_HOME",
];

pub(super) struct Scene {
    root: PathBuf,
    /// Removes everything when it goes; none where it is kept.
    temporary: Option<TempDir>,
    pub(super) repo: PathBuf,
    pub(super) remote: PathBuf,
    pub(super) env: Vec<(String, String)>,
    worker: Option<String>,
}

impl Scene {
    /// The directories and the environment; nothing runs yet.
    pub(super) fn make(worker: Option<&str>, keep: Option<&Path>) -> Result<Scene> {
        let (root, temporary) = match keep {
            Some(dir) => (empty(dir)?, None),
            None => {
                let dir = tempfile::Builder::new().prefix("haco-demo-").tempdir()?;
                (fs::canonicalize(dir.path())?, Some(dir))
            }
        };
        let home = root.join("home");
        fs::create_dir_all(home.join(".config/haco"))?;
        fs::create_dir(root.join("greet"))?;
        fs::write(home.join(".gitconfig"), GIT_CONFIG)?;
        fs::write(root.join("replies.json"), record::file().to_string())?;
        let env = environment(&home, worker)?;
        let (repo, remote) = (root.join("greet"), root.join("greet.git"));
        Ok(Scene { root, temporary, repo, remote, env, worker: worker.map(str::to_owned) })
    }

    /// Where everything stays, where it was asked for.
    pub(super) fn kept(&self) -> Option<&Path> {
        self.temporary.is_none().then_some(self.root.as_path())
    }

    /// A repository with one commit, a bare remote, and haco set up in it.
    pub(super) fn seed(&self, shell: &mut Shell<'_>) -> Result<()> {
        shell.part("A small repository and its remote")?;
        for (path, text) in record::SEED {
            let path = self.repo.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&self.repo))?;
            fs::write(path, text)?;
        }
        let remote = self.remote.display().to_string();
        let quietly = [Status::Yes];
        shell.run(&["git", "init", "-q", "--bare", &remote], &quietly)?;
        shell.run(&["git", "init", "-q"], &quietly)?;
        shell.run(&["git", "remote", "add", "origin", &remote], &quietly)?;
        shell.run(&["git", "add", "."], &quietly)?;
        shell.run(&["git", "commit", "-q", "-m", "A greeter that knows nobody"], &quietly)?;
        shell.run(&["git", "push", "-q", "origin", "main"], &quietly)?;
        shell.run(&["haco", "init"], &quietly)?;
        let record = self.root.join("replies.json").display().to_string();
        let config = record::config(&record, self.worker.as_deref());
        fs::write(self.repo.join(".haco/config.json"), format!("{config:#}\n"))?;
        shell.told(&format!("roles in .haco/config.json: {}", config["roles"]))?;
        shell.run(&["git", "add", ".haco"], &quietly)?;
        shell.run(&["git", "commit", "-q", "-m", "Set up haco"], &quietly)
    }

    /// The commit that the remote has on a branch.
    pub(super) fn pushed(&self, branch: &str) -> Result<String> {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(&self.remote).args(["rev-parse", "--verify", "--quiet"]);
        git.arg(format!("refs/heads/{branch}")).env_clear().envs(self.env.iter().map(|(n, v)| (n, v)));
        let output = git.output()?;
        let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.success() && !commit.is_empty() {
            true => Ok(commit),
            false => Err(broken(&format!("the remote has no branch '{branch}'")).into()),
        }
    }
}

const GIT_CONFIG: &str = "[user]\n\tname = Demo\n\temail = demo@localhost\n[init]\n\tdefaultBranch = main\n";

fn empty(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir)?;
    if fs::read_dir(dir)?.next().is_some() {
        let message = format!("'{}' is not empty", dir.display());
        return Err(Failure::new(Code::Usage, message).fix("name a directory that does not exist yet").into());
    }
    Ok(fs::canonicalize(dir)?)
}

/// An environment made from nothing. The person's own home is there only where a model of theirs is asked.
fn environment(home: &Path, worker: Option<&str>) -> Result<Vec<(String, String)>> {
    let set = |name: &str, value: String| (name.to_owned(), value);
    let of_caller = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).map(|v| set(name, v));
    let layers = desk::layers(None)?;
    let mut env = vec![
        set("PATH", path()?),
        set("HOME", home.display().to_string()),
        set("LANG", "C.UTF-8".to_owned()),
        set("GIT_CONFIG_GLOBAL", home.join(".gitconfig").display().to_string()),
        set("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
    ];
    env.extend(["TERM", "NO_COLOR", "COLUMNS", "TMPDIR"].into_iter().filter_map(of_caller));
    match worker {
        Some(name) => {
            env.retain(|(name, _)| name != "HOME");
            let model = Settings::resolve(&layers).model(name)?;
            let usual = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"];
            let keys = model.entry.key_env.as_deref().into_iter().chain(usual);
            env.extend(["HOME"].into_iter().chain(FOR_A_SERVER).chain(keys).filter_map(of_caller));
        }
        None => {
            // Walls that this machine cannot have are the person's to name, here as everywhere.
            let own = json!({"verify": {"allow_weaker": layers.user.verify.allow_weaker}});
            fs::write(home.join(".config/haco/config.json"), own.to_string())?;
        }
    }
    Ok(env)
}

/// The suite first, then whatever the caller has.
fn path() -> Result<String> {
    let me = std::env::current_exe()?;
    let beside = me.parent().map(Path::to_path_buf);
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::join_paths(beside.into_iter().chain(std::env::split_paths(&rest)))?;
    let text = all.into_string();
    Ok(text.map_err(|_| Failure::new(Code::Usage, "PATH is not UTF-8 text"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_goes_with_the_scene_unless_it_is_kept() {
        let scene = Scene::make(None, None).expect("makes");
        let root = scene.root.clone();
        assert!(root.join("replies.json").is_file() && scene.kept().is_none());
        assert!(scene.env.iter().any(|(n, v)| n == "HOME" && Path::new(v).starts_with(&root)));
        drop(scene);
        assert!(!root.exists());
    }

    #[test]
    fn a_directory_with_something_in_it_is_not_taken() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join("mine"), "x").expect("writes");
        let refused = Scene::make(None, Some(dir.path())).err().expect("refuses");
        assert!(refused.to_string().ends_with("is not empty"), "{refused}");
    }
}
