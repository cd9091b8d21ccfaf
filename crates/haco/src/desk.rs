//! What every program has on its desk: where we are, the state, the configuration, and the position derived from them.

use crate::{clock, replayed::Replayed};
use anyhow::{Context, Result};
use haco_core::{
    code::{Code, Failure},
    config::Config,
    cursor::{Facts, Position, World},
    hash::Hash,
    id::{PlanId, TicketId},
    journal::Event,
    path::RepoPath,
    plan::Plan,
    prompt::Template,
    route,
    settings::{Environment, Layers, Settings},
    studio::Studio,
    ticket::Ticket,
    tickets::Tickets,
};
use haco_git::Repo;
use haco_store::{Place, Store};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where we are, the state, and what the configuration files say.
pub struct Desk {
    /// The repository's places.
    pub place: Place,
    /// `.haco/`.
    pub store: Store,
    /// All configuration files united.
    pub settings: Settings,
    /// What the next step is done with, where a record is replayed here.
    pub replayed: Option<Replayed>,
    studios: BTreeMap<String, Studio>,
    repo: OnceCell<Repo>,
}

/// Plans and tickets as read, and what was looked up.
pub struct Loaded {
    /// By id.
    pub plans: BTreeMap<PlanId, Plan>,
    /// By id.
    pub tickets: Tickets,
    /// Who holds what.
    pub facts: Facts,
}

impl Desk {
    /// The desk of the repository that holds the current directory.
    pub fn open() -> Result<Desk> {
        let here = std::env::current_dir().map_err(|e| Failure::new(Code::Io, format!("no current directory: {e}")))?;
        Desk::at(&here)
    }

    /// The desk of the repository that holds `dir`.
    pub fn at(dir: &Path) -> Result<Desk> {
        let place = Place::find(dir)?;
        let store = Store::open(&place)?;
        let replayed = Replayed::of(&store)?;
        let mut settings = Settings::resolve(&layers(Some(&place))?);
        for file in Template::ALL.map(Template::file) {
            if let Some(bytes) = store.read(&format!("prompts/{file}"))? {
                settings.prompts.insert(file.to_owned(), Hash::of(&bytes));
            }
        }
        let studios = haco_core::cursor::studios();
        Ok(Desk { place, store, settings, replayed, studios, repo: OnceCell::new() })
    }

    /// The repository's git objects, opened when first asked for.
    pub fn repo(&self) -> Result<&Repo> {
        if let Some(repo) = self.repo.get() {
            return Ok(repo);
        }
        let repo = Repo::open(&self.place.worktree)?;
        self.own_state(&repo)?;
        Ok(self.repo.get_or_init(|| repo))
    }

    /// Refuses state that git tracks: it may have come with a clone, approvals and all, and then nobody here gave them.
    fn own_state(&self, repo: &Repo) -> Result<()> {
        let linked = (self.place.main != self.place.worktree).then(|| Repo::open(&self.place.main)).transpose()?;
        let tracked = linked.as_ref().unwrap_or(repo).tracked(".haco")?;
        let Some(path) = tracked.iter().find(|path| is_state(path)) else { return Ok(()) };
        let message = format!("git tracks '{path}': plans and approvals that came with a clone count for nothing");
        let fix = "mv .haco .haco.cloned && git rm -rq --cached .haco && haco init";
        Err(Failure::new(Code::ForeignWrite, message).fix(fix).into())
    }

    /// One plan or all of them, with their tickets.
    pub fn load(&self, plan: Option<&PlanId>) -> Result<Loaded> {
        let world = self.store.world(plan)?;
        self.loaded(world)
    }

    /// One ticket with what it hangs together with.
    pub fn load_ticket(&self, id: &TicketId) -> Result<Loaded> {
        let world = self.store.ticket_closure(id)?;
        self.loaded(world)
    }

    /// One ticket as [`Desk::load_ticket`] has it, to be shown and not to be changed.
    pub fn glance(&self, id: &TicketId) -> Result<Loaded> {
        let world = self.store.glance(id)?;
        self.loaded(world)
    }

    fn loaded(&self, world: haco_store::World) -> Result<Loaded> {
        let busy = self.store.busy()?;
        let mut loaded = Loaded { plans: world.plans, tickets: world.tickets, facts: Facts::default() };
        loaded.facts = Facts { busy, prompt_tokens: self.prompt_tokens(&loaded)? };
        Ok(loaded)
    }

    /// How long the prompts of open tickets are, where a route asks: only then is git opened for it.
    fn prompt_tokens(&self, loaded: &Loaded) -> Result<BTreeMap<TicketId, u64>> {
        if !self.settings.worker.iter().any(|entry| entry.when.asks_size()) {
            return Ok(BTreeMap::new());
        }
        let repo = self.repo()?;
        let open = loaded.tickets.values().filter(|t| t.closed_by().is_none() && t.shipment.is_none());
        let sized = open.filter_map(|ticket| {
            let base = &loaded.plans.get(&ticket.plan)?.base;
            let size = |path: &RepoPath| match repo.read(base, path.as_str()) {
                Ok(Some((_, bytes))) => bytes.len() as u64,
                _ => 0,
            };
            Some((ticket.id.clone(), route::prompt_tokens(ticket, size)))
        });
        Ok(sized.collect())
    }

    /// What the one decision reads.
    pub fn world<'a>(&'a self, loaded: &'a Loaded) -> World<'a> {
        World {
            plans: &loaded.plans,
            tickets: &loaded.tickets,
            studios: &self.studios,
            settings: &self.settings,
            facts: &loaded.facts,
        }
    }

    /// The position of what was loaded.
    pub fn position(&self, loaded: &Loaded) -> Position {
        Position::of(&self.world(loaded))
    }

    /// A prompt's template: the repository's own, else the built-in one.
    pub fn template(&self, template: Template) -> Result<String> {
        let own = self.store.read(&format!("prompts/{}", template.file()))?;
        match own {
            None => Ok(template.text().to_owned()),
            Some(bytes) => {
                let name = template.file();
                let bad = |_| Failure::new(Code::BadConfig, format!("'.haco/prompts/{name}' is not UTF-8 text"));
                Ok(String::from_utf8(bytes).map_err(bad)?)
            }
        }
    }

    /// The one plan that is meant: the one named, else the only one for which `waits` holds.
    pub fn one_plan(&self, named: Option<&PlanId>, waits: impl Fn(&Plan) -> bool, what: &str) -> Result<PlanId> {
        if let Some(id) = named {
            return Ok(self.store.plan(id)?.id);
        }
        let waiting: Vec<PlanId> = self.store.plans()?.into_values().filter(waits).map(|p| p.id).collect();
        match waiting.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Failure::new(Code::NothingLeft, format!("no plan is waiting {what}")).fix("haco next").into()),
            [first, ..] => {
                let ids = waiting.iter().map(PlanId::as_str).collect::<Vec<_>>().join(", ");
                let failure = Failure::new(Code::WhichPlan, format!("several plans are waiting {what}: {ids}"));
                Err(failure.fix(format!("name one of them, such as '{first}'")).into())
            }
        }
    }
}

/// Whether a path of git's is haco's state, and not what people write and share.
fn is_state(path: &str) -> bool {
    let below = path.get(".haco/".len()..).unwrap_or_default().to_ascii_lowercase();
    let first = below.split('/').next().unwrap_or_default();
    ["", "journal.jsonl", "tickets", "plans", "drafts", "evidence"].contains(&first)
}

impl Loaded {
    /// A ticket that was asked for.
    pub fn ticket(&self, id: &TicketId) -> Result<&Ticket> {
        let none = || Failure::new(Code::UnknownId, format!("no such ticket: '{id}'")).fix("haco list");
        Ok(self.tickets.get(id).ok_or_else(none)?)
    }

    /// Its plan.
    pub fn plan_of(&self, ticket: &Ticket) -> Result<&Plan> {
        let none = || Failure::new(Code::UnknownId, format!("no such plan: '{}'", ticket.plan)).fix("haco doctor");
        Ok(self.plans.get(&ticket.plan).ok_or_else(none)?)
    }
}

/// An event of now, about a ticket.
pub fn event(word: &str, actor: &str, ticket: &Ticket) -> Event {
    Event { plan: Some(ticket.plan.clone()), ticket: Some(ticket.id.clone()), ..Event::new(word, actor, &clock::now()) }
}

/// Every configuration file that counts here; outside a repository only the user's.
pub fn layers(place: Option<&Place>) -> Result<Layers> {
    let user = match user_file("config.json") {
        Some(path) => config(&path, &path.display().to_string())?.map(|(c, _)| c).unwrap_or_default(),
        None => Config::default(),
    };
    let repository = match place {
        Some(place) => config(&place.dir.join("config.json"), ".haco/config.json")?,
        None => None,
    };
    let trusted = repository.as_ref().is_some_and(|(_, hash)| is_trusted(hash));
    let repository = repository.map(|(config, _)| config).unwrap_or_default();
    Ok(Layers { user, repository, trusted, environment: environment()? })
}

/// A file of the user's own configuration; none where there is no home.
pub fn user_file(name: &str) -> Option<PathBuf> {
    let dir = |variable: &str| std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = dir("XDG_CONFIG_HOME").filter(|p| p.is_absolute()).or_else(|| Some(dir("HOME")?.join(".config")))?;
    Some(base.join("haco").join(name))
}

/// Whether a person trusted a repository's configuration with this hash: one hash a line in the user's directory.
pub fn is_trusted(hash: &Hash) -> bool {
    let list = user_file("trusted").and_then(|path| fs_err::read_to_string(path).ok());
    list.is_some_and(|list| list.lines().any(|line| line.split_whitespace().next() == Some(hash.as_str())))
}

fn config(path: &Path, shown: &str) -> Result<Option<(Config, Hash)>> {
    let bytes = match fs_err::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("cannot read the configuration"),
    };
    let bad = |why: String| Failure::new(Code::BadConfig, format!("'{shown}': {why}")).fix("haco schema config");
    let config = Config::read(&bytes).map_err(bad)?;
    Ok(Some((config, Hash::of(&bytes))))
}

fn environment() -> Result<Environment> {
    let get = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let ollama_base = match get("OLLAMA_HOST") {
        Some(host) => Some(haco_core::address::ollama_base(Some(&host))?),
        None => None,
    };
    Ok(Environment { ollama_base, lmstudio_base: get("LMSTUDIO_BASE_URL"), worker_model: get("HACO_WORKER_MODEL") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_share_is_no_state() {
        for path in [".haco/journal.jsonl", ".haco/tickets/T-001.json", ".HACO/Plans/p/plan.json", ".haco"] {
            assert!(is_state(path), "{path}");
        }
        for path in [".haco/config.json", ".haco/.gitignore", ".haco/prompts/draft.md", ".haco/studios/s.json"] {
            assert!(!is_state(path), "{path}");
        }
    }
}
