//! What the configuration files say together, and which model a name means.
//!
//! Repository before user before default, but the stricter of user and repository for money and privacy;
//! what would start a program or say where a secret goes counts from a repository only once a person trusted the file.

use crate::{
    address,
    code::{Code, Failure},
    config::{Budget, CheckSlot, Config, Model, Need, Net, Price, Provider, Unit, Verify},
    hash::Hash,
    key,
    route::Entry,
    ticket::Ticket,
    verdict::ApprovedModel,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The entry that stands for the agent which drives haco.
pub const SUPERVISOR: &str = "supervisor";
/// The entry that stands for a person.
pub const HUMAN: &str = "human";

/// What of the environment decides about models.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `OLLAMA_HOST`, as a base URL.
    pub ollama_base: Option<String>,
    /// `LMSTUDIO_BASE_URL`.
    pub lmstudio_base: Option<String>,
    /// `HACO_WORKER_MODEL`.
    pub worker_model: Option<String>,
}

/// The files to unite, each already parsed.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// `~/.config/haco/config.json`.
    pub user: Config,
    /// `.haco/config.json`.
    pub repository: Config,
    /// Whether a person trusted the repository's file as it is.
    pub trusted: bool,
    /// Of the caller.
    pub environment: Environment,
}

/// What the files say together.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// By name.
    pub models: BTreeMap<String, Model>,
    /// The lead's route.
    pub tech_lead: Vec<String>,
    /// The route of a ticket without one of its own.
    pub worker: Vec<Entry>,
    /// The auditor's route.
    pub auditor: Vec<String>,
    /// Commands that every ticket is offered.
    pub checks: BTreeMap<CheckSlot, String>,
    /// Services by name.
    pub needs: BTreeMap<String, Need>,
    /// The lowest of what was said.
    pub budget: Budget,
    /// Time-outs.
    pub http: crate::config::Http,
    /// How checks run.
    pub verify: Verify,
    /// Steps in progress at a time.
    pub jobs: u32,
    /// One branch a plan or a ticket.
    pub unit: Unit,
    /// Where branches go.
    pub remote: String,
    /// Nothing leaves the machine.
    pub local_only: bool,
    /// Origins that count as private.
    pub allow_origins: BTreeSet<String>,
    /// Of the caller.
    pub environment: Environment,
    /// The repository's own prompts, by file.
    pub prompts: BTreeMap<String, Hash>,
    /// What the repository's file says and what does not count, a sentence each.
    pub ignored: Vec<String>,
    /// Names that only an entry of the repository explains which does not count, with the reason: they mean nothing else.
    pub discounted: BTreeMap<String, String>,
}

/// What a name in a route means.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The route's entry.
    pub name: String,
    /// Its entry in the configuration, or one made from the name.
    pub entry: Model,
    /// As the provider names it.
    pub model: String,
    /// Scheme, host and port; empty for `replay`, the program for `command`.
    pub origin: String,
    /// Whether a call may cost money.
    pub paid: bool,
}

impl Resolved {
    /// Whether a call takes anything out of this machine.
    pub fn leaves_the_machine(&self) -> bool {
        match self.entry.provider {
            Provider::Replay => false,
            Provider::Command => self.entry.net == Some(Net::Host),
            _ => !address::is_loopback(&self.origin),
        }
    }
}

impl Settings {
    /// Unites the layers.
    pub fn resolve(layers: &Layers) -> Settings {
        let mut ignored = Vec::new();
        let mut discounted = BTreeMap::new();
        let repository = half_trusted(layers, &mut ignored, &mut discounted);
        let user = &layers.user;
        let mut s = Settings { environment: layers.environment.clone(), ..Settings::default() };
        for layer in [user, &repository] {
            s.models.extend(layer.models.clone());
            s.needs.extend(layer.needs.clone());
        }
        for layer in [user, &repository] {
            for (slot, command) in &layer.checks {
                match command {
                    Some(command) => s.checks.insert(*slot, command.clone()),
                    None => s.checks.remove(slot),
                };
            }
        }
        let pick =
            |role: fn(&Config) -> &Option<Vec<String>>| [&repository, user].into_iter().find_map(|c| role(c).clone());
        let supervisor = || vec![SUPERVISOR.to_owned()];
        s.tech_lead = pick(|c| &c.roles.tech_lead).unwrap_or_else(supervisor);
        s.auditor = pick(|c| &c.roles.auditor).unwrap_or_else(supervisor);
        let default = layers.environment.worker_model.clone().unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        let worker = [&repository, user].into_iter().find_map(|c| c.roles.worker.clone());
        s.worker = worker.unwrap_or_else(|| vec![Entry::from(default)]);
        s.budget = strictest([&user.budget, &repository.budget]);
        s.http = united(&user.http, &repository.http);
        s.verify = united(&user.verify, &repository.verify);
        s.verify.share.extend(user.verify.share.iter().filter(|p| !repository.verify.share.contains(p)).cloned());
        s.jobs = repository.run.jobs.or(user.run.jobs).unwrap_or(2).max(1);
        s.unit = repository.ship.unit.or(user.ship.unit).unwrap_or_default();
        let remote = [&repository, user].into_iter().find_map(|c| c.ship.remote.clone());
        s.remote = remote.unwrap_or_else(|| "origin".to_owned());
        s.local_only = [user, &repository].iter().any(|c| c.privacy.local_only == Some(true));
        s.allow_origins = user.privacy.allow_origins.iter().filter_map(|o| address::origin(o).ok()).collect();
        // The lead is asked before anybody approved a scope.
        if !layers.trusted && repository.roles.tech_lead.is_some() && s.tech_lead.iter().any(|name| s.may_cost(name)) {
            s.tech_lead = user.roles.tech_lead.clone().unwrap_or_else(supervisor);
            let why = "it names a paid model, asked before there is a scope, and nobody trusted the file: haco trust";
            ignored.push(format!("roles.tech_lead of .haco/config.json does not count: {why}"));
        }
        s.ignored = ignored;
        discounted.retain(|name, _| !s.models.contains_key(name));
        s.discounted = discounted;
        s
    }

    /// What a route's entry means; `supervisor` and `human` mean no model and are not asked here.
    pub fn model(&self, name: &str) -> Result<Resolved, Failure> {
        if let Some(why) = self.discounted.get(name) {
            let message = format!("model '{name}' of '.haco/config.json' does not count: {why}");
            let fix = if why.ends_with("haco trust") { "haco trust" } else { "give it another name there" };
            return Err(Failure::new(Code::BadConfig, message).fix(fix));
        }
        let entry = match self.models.get(name) {
            Some(entry) => entry.clone(),
            None => self.entry_from(name),
        };
        if let Some(failure) = below_zero(name, &entry) {
            return Err(failure);
        }
        let model = entry.model.clone().unwrap_or_else(|| name.to_owned());
        let origin = match entry.provider {
            Provider::Replay => String::new(),
            Provider::Command => entry.command.as_ref().and_then(|c| c.first()).cloned().unwrap_or_default(),
            _ => address::origin(&self.base_url(&entry)).map_err(|bad| {
                Failure::new(Code::BadConfig, format!("model '{name}': {}", bad.message))
                    .fix(format!("correct models.{name}.base_url in .haco/config.json"))
            })?,
        };
        let paid = self.is_paid(&entry, &origin);
        if self.local_only && !self.is_private(&entry, &origin) {
            return Err(Failure::new(
                Code::Forbidden,
                format!("model '{name}' is at '{origin}', and privacy.local_only keeps everything on this machine"),
            )
            .fix("route the role to a local model, or list the origin in privacy.allow_origins of your own file"));
        }
        Ok(Resolved { name: name.to_owned(), entry, model, origin, paid })
    }

    /// The base URL of an entry: its own, else its provider's published one, else the default server's.
    pub fn base_url(&self, entry: &Model) -> String {
        let default = || self.environment.ollama_base.clone().unwrap_or_else(|| "http://127.0.0.1:11434".to_owned());
        let published = || key::published(entry.provider).map_or_else(default, str::to_owned);
        entry.base_url.clone().unwrap_or_else(published)
    }

    /// Whether a role's entry is a paid model elsewhere than on the caller's own default server.
    fn may_cost(&self, name: &str) -> bool {
        let env = &self.environment;
        let defaults = || [&env.ollama_base, &env.lmstudio_base].into_iter().flatten();
        let own = |origin: &str| defaults().any(|base| address::origin(base).is_ok_and(|o| o == origin));
        ![SUPERVISOR, HUMAN].contains(&name) && self.model(name).is_ok_and(|m| m.paid && !own(&m.origin))
    }

    fn entry_from(&self, name: &str) -> Model {
        let provider = match name.split_once(':') {
            Some(("ollama", model)) => Some((Provider::Ollama, model)),
            Some(("openai", model)) => Some((Provider::Openai, model)),
            Some(("anthropic", model)) => Some((Provider::Anthropic, model)),
            _ => None,
        };
        if let Some((provider, model)) = provider {
            return Model { provider, model: Some(model.to_owned()), ..Model::default() };
        }
        let env = &self.environment;
        match (&env.ollama_base, &env.lmstudio_base) {
            (None, Some(base)) => Model {
                provider: Provider::Openai,
                base_url: Some(base.clone()),
                model: Some(name.to_owned()),
                ..Model::default()
            },
            _ => Model { model: Some(name.to_owned()), ..Model::default() },
        }
    }

    fn is_private(&self, entry: &Model, origin: &str) -> bool {
        match entry.provider {
            Provider::Replay => true,
            Provider::Command => entry.net != Some(Net::Host),
            _ => address::is_loopback(origin) || self.allow_origins.contains(origin),
        }
    }

    fn is_paid(&self, entry: &Model, origin: &str) -> bool {
        let free = entry.price.is_some_and(is_free);
        match entry.provider {
            Provider::Replay => false,
            Provider::Command => entry.net == Some(Net::Host),
            _ => !free && !self.is_private(entry, origin),
        }
    }

    /// Everyone who may act on these tickets, resolved: what a person approves with the scope.
    pub fn model_set<'a>(&self, tickets: impl Iterator<Item = &'a Ticket>) -> Result<Vec<ApprovedModel>, Failure> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for route in [&self.tech_lead, &self.auditor] {
            names.extend(route.iter().cloned());
        }
        names.extend(self.worker.iter().map(|entry| entry.model.clone()));
        for ticket in tickets {
            names.extend(ticket.execution.own_route());
        }
        names.iter().filter(|n| *n != HUMAN).map(|name| self.approved(name)).collect()
    }

    /// One entry as an approval stores it.
    pub fn approved(&self, name: &str) -> Result<ApprovedModel, Failure> {
        if name == SUPERVISOR {
            let none = String::new;
            let provider = SUPERVISOR.to_owned();
            return Ok(ApprovedModel { name: name.to_owned(), provider, origin: none(), model: none(), paid: false });
        }
        let found = self.model(name)?;
        Ok(ApprovedModel {
            name: found.name,
            provider: found.entry.provider.as_str().to_owned(),
            origin: found.origin,
            model: found.model,
            paid: found.paid,
        })
    }

    /// What a scope's subject holds of the configuration: gates, budgets, how checks run, needs, and prompts where the
    /// repository has its own.
    pub fn policy(&self) -> impl Serialize + use<> {
        let mut policy = serde_json::json!({
            "budget": self.budget, "verify": self.verify, "needs": self.needs,
            "gates": {"scope": "ask", "acceptance": "ask"},
        });
        let tries = self.models.iter().filter_map(|(name, model)| Some((name, model.retry_budget?)));
        let tries: BTreeMap<&String, u32> = tries.collect();
        if !tries.is_empty() {
            policy["retry_budget"] = serde_json::json!(tries);
        }
        if !self.prompts.is_empty() {
            policy["prompts"] = serde_json::json!(self.prompts);
        }
        policy
    }
}

/// The published default worker.
pub const DEFAULT_MODEL: &str = "qwen2.5-coder:32b";

/// The repository's file without what a person has not trusted, and a sentence for each thing that does not count.
fn half_trusted(layers: &Layers, ignored: &mut Vec<String>, discounted: &mut BTreeMap<String, String>) -> Config {
    let mut repo = layers.repository.clone();
    let user = &layers.user;
    let key_of = |m: &Model| m.key_env.is_some() || m.key_command.is_some() || m.key.is_some();
    repo.models.retain(|name, model| {
        let starts = model.command.is_some() || key_of(model);
        let why = if starts && !layers.trusted {
            "it starts a program or uses a key, and nobody trusted the file: haco trust"
        } else if user.models.get(name).is_some_and(key_of) {
            "your own file has an entry of this name with a key"
        } else if names_a_key_of_the_user(model, user) {
            "a key goes only to the origin that your own file names for it, else to its provider's published one"
        } else {
            return true;
        };
        ignored.push(format!("models.{name} of .haco/config.json does not count: {why}"));
        discounted.insert(name.clone(), why.to_owned());
        false
    });
    for (name, model) in &mut repo.models {
        // What a call is held to cost is what keeps it below the caps.
        if !layers.trusted && (model.price.take().is_some() | model.max_call_usd.take().is_some()) {
            ignored.push(format!(
                "models.{name}.price and .max_call_usd do not count: nobody trusted the file: haco trust"
            ));
        }
        if model.net.take().is_some() || !std::mem::take(&mut model.home).is_empty() {
            ignored.push(format!("models.{name}.net and .home count only in your own file"));
        }
    }
    let mut drop = |key: &str, there: bool, why: &str| {
        if there {
            ignored.push(format!("{key} of .haco/config.json does not count: {why}"));
        }
    };
    let own = "it counts only in your own file";
    drop("verify.setup_net", repo.verify.setup_net.take().is_some(), own);
    drop("verify.allow_weaker", !std::mem::take(&mut repo.verify.allow_weaker).is_empty(), own);
    drop("privacy.allow_origins", !std::mem::take(&mut repo.privacy.allow_origins).is_empty(), own);
    if !layers.trusted {
        drop("verify.env", !std::mem::take(&mut repo.verify.env).is_empty(), "nobody trusted the file: haco trust");
    }
    let before = repo.verify.share.len();
    repo.verify.share.retain(|p| p.parse::<crate::path::RepoPath>().is_ok());
    drop("verify.share", repo.verify.share.len() < before, "a repository shares only paths inside itself");
    repo
}

fn is_free(price: Price) -> bool {
    price.input_usd_per_mtok == 0.0 && price.output_usd_per_mtok == 0.0
}

/// What no price or cap of a configuration may be.
fn below_zero(name: &str, entry: &Model) -> Option<Failure> {
    let price = entry.price.into_iter().flat_map(|p| [p.input_usd_per_mtok, p.output_usd_per_mtok]);
    let wrong = price.chain(entry.max_call_usd).any(|usd| usd < 0.0);
    let failure = || Failure::new(Code::BadConfig, format!("model '{name}': a price is below 0"));
    wrong.then(|| failure().fix(format!("correct models.{name}.price in the configuration")))
}

/// Whether a repository's entry pairs a key with an origin that the user's own file does not name for that key.
fn names_a_key_of_the_user(model: &Model, user: &Config) -> bool {
    let named = model.key_env.is_some() || model.key_command.is_some() || model.key.is_some();
    let same_variable = |other: &Model| model.key_env.is_some() && other.key_env == model.key_env;
    let same_key = |other: &Model| same_variable(other) || model.key.is_some() && other.key == model.key;
    let same_place = |other: &Model| (other.provider, &other.base_url) == (model.provider, &model.base_url);
    let mut users = user.models.values().filter(|other| same_key(other)).peekable();
    match users.peek() {
        Some(_) => !users.any(same_place),
        None => named && !at_its_provider(model),
    }
}

/// Whether the entry is at a published origin, and a kept key the one that bears this provider's name.
fn at_its_provider(model: &Model) -> bool {
    let published = model.base_url.is_none() && key::published(model.provider).is_some();
    published && model.key.as_ref().is_none_or(|name| name.as_str() == model.provider.as_str())
}

fn strictest(of: [&Budget; 2]) -> Budget {
    let least = |pick: fn(&Budget) -> Option<f64>| of.iter().filter_map(|b| pick(b)).reduce(f64::min);
    Budget { ticket_usd: least(|b| b.ticket_usd), plan_usd: least(|b| b.plan_usd), day_usd: least(|b| b.day_usd) }
}

/// `over` field by field, and `under` where it says nothing.
fn united<T: Serialize + serde::de::DeserializeOwned>(under: &T, over: &T) -> T {
    let value = |of: &T| serde_json::to_value(of).expect("configuration is plain data");
    let (mut all, over) = (value(under), value(over));
    if let (Some(all), Some(over)) = (all.as_object_mut(), over.as_object()) {
        all.extend(over.clone());
    }
    serde_json::from_value(all).expect("a union of two valid tables is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> Config {
        serde_json::from_value(json).expect("a configuration")
    }

    fn resolve(user: serde_json::Value, repository: serde_json::Value, trusted: bool) -> Settings {
        let layers = Layers { user: config(user), repository: config(repository), trusted, ..Layers::default() };
        Settings::resolve(&layers)
    }

    #[test]
    fn without_any_key_the_default_model_is_on_this_machine_and_free() {
        let s = Settings::resolve(&Layers::default());
        let worker = s.model(&s.worker[0].model).expect("a model");
        assert_eq!((worker.model.as_str(), worker.origin.as_str()), (DEFAULT_MODEL, "http://127.0.0.1:11434"));
        assert!(!worker.paid);
        assert_eq!((s.tech_lead[0].as_str(), s.auditor[0].as_str()), (SUPERVISOR, SUPERVISOR));
    }

    #[test]
    fn only_lmstudio_set_makes_it_the_default_server() {
        let environment =
            Environment { lmstudio_base: Some("http://127.0.0.1:1234/v1".into()), ..Environment::default() };
        let s = Settings::resolve(&Layers { environment, ..Layers::default() });
        assert_eq!(s.model("qwen3:8b").expect("a model").origin, "http://127.0.0.1:1234");
    }

    #[test]
    fn a_name_is_an_entry_then_a_provider_then_a_model_on_the_default_server() {
        let s =
            resolve(serde_json::json!({"models": {"anthropic:x": {"model": "mine"}}}), serde_json::json!({}), false);
        assert_eq!(s.model("anthropic:x").expect("entry").model, "mine");
        let claude = s.model("anthropic:claude").expect("provider");
        assert_eq!((claude.model.as_str(), claude.paid), ("claude", true));
        assert_eq!(s.model("qwen2.5-coder:7b").expect("default").model, "qwen2.5-coder:7b");
    }

    #[test]
    fn a_repository_starts_no_program_and_moves_no_key_before_a_person_trusts_it() {
        let repo = serde_json::json!({"models": {
            "c": {"provider": "command", "command": ["x"], "net": "host"},
            "k": {"provider": "openai", "key_env": "MY_KEY", "base_url": "https://evil.example/v1"}},
            "verify": {"allow_weaker": ["network"], "env": ["SECRET"]}});
        let s = resolve(serde_json::json!({}), repo.clone(), false);
        assert!(s.models.is_empty() && s.verify.allow_weaker.is_empty() && s.verify.env.is_empty());
        assert_eq!(s.ignored.len(), 4, "{:?}", s.ignored);
        let refused = s.model("k").expect_err("a name that only the repository explains");
        assert_eq!(refused.code, Code::BadConfig);
        assert_eq!(refused.fix.as_deref(), Some("haco trust"));
        let user = serde_json::json!({"models": {"mine": {"provider": "openai", "key_env": "MY_KEY"}}});
        let trusted = resolve(user, repo, true);
        assert!(!trusted.models.contains_key("k"), "trusted or not, the key goes nowhere else");
        assert_eq!(trusted.models["c"].net, None);
        assert_eq!(trusted.verify.env, ["SECRET"]);
    }

    #[test]
    fn a_kept_key_goes_where_the_users_own_file_says_else_to_the_provider_of_its_name() {
        let user = serde_json::json!({"models": {
            "mine": {"provider": "openai", "key": "work", "base_url": "https://gateway.example/v1"}}});
        let counts = |entry: serde_json::Value| {
            let s = resolve(user.clone(), serde_json::json!({"models": {"r": entry}}), true);
            s.models.contains_key("r")
        };
        let gateway = "https://gateway.example/v1";
        assert!(counts(serde_json::json!({"provider": "openai", "key": "work", "base_url": gateway})));
        assert!(counts(serde_json::json!({"provider": "openai", "key": "openai"})));
        for entry in [
            serde_json::json!({"provider": "openai", "key": "work"}),
            serde_json::json!({"provider": "openai", "key": "work", "base_url": "https://evil.example/v1"}),
            serde_json::json!({"provider": "openai", "key": "openai", "base_url": "https://evil.example/v1"}),
            serde_json::json!({"provider": "openai", "key": "openai", "base_url": gateway}),
            serde_json::json!({"provider": "anthropic", "key": "openai"}),
            serde_json::json!({"provider": "anthropic", "key": "other"}),
            serde_json::json!({"provider": "ollama", "key": "work"}),
            serde_json::json!({"provider": "ollama", "key_env": "OPENAI_API_KEY"}),
            serde_json::json!({"provider": "openai", "key_command": ["cat", "x"], "base_url": gateway}),
        ] {
            assert!(!counts(entry.clone()), "{entry}");
        }
        let hidden = serde_json::json!({"provider": "openai", "base_url": "https://evil.example/v1"});
        let s = resolve(user, serde_json::json!({"models": {"mine": hidden}}), true);
        assert_eq!(s.models["mine"].base_url.as_deref(), Some(gateway), "yours is not replaced");
    }

    #[test]
    fn a_repository_spends_nothing_before_a_scope_and_calls_nothing_free_before_a_person_trusts_it() {
        let zero = serde_json::json!({"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0});
        let free = serde_json::json!({"provider": "anthropic", "model": "m", "price": zero});
        let repo = |lead: &str| serde_json::json!({"models": {"free": free.clone()}, "roles": {"tech_lead": [lead]}});
        for lead in ["free", "openai:gpt", "mine"] {
            let user = serde_json::json!({"models": {"mine": {"provider": "openai", "model": "gpt"}}});
            let s = resolve(user.clone(), repo(lead), false);
            assert_eq!(s.tech_lead, [SUPERVISOR], "{lead}");
            assert!(s.model("free").expect("a model").paid);
            let s = resolve(user, repo(lead), true);
            assert_eq!(s.tech_lead, [lead]);
            assert!(!s.model("free").expect("a model").paid);
        }
        assert_eq!(resolve(serde_json::json!({}), repo("qwen3:8b"), false).tech_lead, ["qwen3:8b"]);
        let environment = Environment { ollama_base: Some("http://gpu.lan:11434".into()), ..Environment::default() };
        let layers = Layers { repository: config(repo("qwen3:8b")), environment, ..Layers::default() };
        assert_eq!(Settings::resolve(&layers).tech_lead, ["qwen3:8b"], "the caller's own server");
    }

    #[test]
    fn the_lower_cap_holds_and_local_only_refuses_what_leaves() {
        let s = resolve(
            serde_json::json!({"budget": {"ticket_usd": 1.0}, "privacy": {"local_only": true}}),
            serde_json::json!({"budget": {"ticket_usd": 5.0, "plan_usd": 2.0}}),
            true,
        );
        assert_eq!((s.budget.ticket_usd, s.budget.plan_usd), (Some(1.0), Some(2.0)));
        assert_eq!(s.model("openai:gpt").expect_err("refused").code, Code::Forbidden);
        assert!(s.model("qwen").is_ok());
    }
}
