//! What is found out about one configured model: its server's word, its price, and how fast it was when it was last called.

use crate::{call, confined::Line, here::Here};
use haco_core::{
    code::{Code, Failure},
    config::{Price, Provider},
    money,
    settings::Resolved,
};
use haco_net::Listed;
use haco_store::Store;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// So many of a model's records are looked at for its speed.
const MOST_RECORDS: usize = 200;

/// One entry of the configuration, or of a route.
pub struct Seen {
    /// As routes name it.
    pub name: String,
    /// What it means; a failure where it means nothing.
    pub model: Result<Resolved, Failure>,
    /// The server's own word on it.
    pub listed: Option<Listed>,
    /// Why nothing is known of it.
    pub failure: Option<Failure>,
    /// The roles that it has.
    pub roles: Vec<&'static str>,
    /// Tokens of replies a second, in its latest recorded call.
    pub speed: Option<u64>,
}

/// What servers have, by base address; each is asked once.
#[derive(Default)]
pub struct Servers(pub BTreeMap<String, Result<Vec<Listed>, Failure>>);

impl Seen {
    /// Looks at one model.
    pub fn of(here: &Here, name: &str, roles: Vec<&'static str>, servers: &mut Servers) -> Seen {
        let model = here.settings.model(name);
        let (listed, failure) = match &model {
            Err(failure) => (None, Some(failure.clone())),
            Ok(model) => match servers.ask(here, model) {
                Ok(listed) => (listed, None),
                Err(failure) => (None, Some(failure)),
            },
        };
        let speed = model.as_ref().ok().and_then(|model| speed(here.store.as_ref()?, model));
        Seen { name: name.to_owned(), model, listed, failure, roles, speed }
    }

    /// One word for people.
    pub fn state(&self) -> &'static str {
        match (&self.failure, &self.listed) {
            (Some(failure), _) => failure.code.as_str(),
            (None, Some(Listed { loaded: Some(true), .. })) => "loaded",
            (None, Some(_)) => "there",
            (None, None) if self.is_served() => "not listed",
            (None, None) => "there",
        }
    }

    /// Whether a server answers for it.
    pub fn is_served(&self) -> bool {
        self.model.as_ref().is_ok_and(is_served)
    }

    /// What a million tokens cost, and whether a call may cost anything.
    pub fn price(&self) -> (Option<Price>, bool) {
        self.model.as_ref().map_or((None, false), |model| (money::price(model), model.paid))
    }

    /// For `--json`.
    pub fn json(&self) -> Value {
        let model = self.model.as_ref().ok();
        let listed = self.listed.as_ref();
        let (price, paid) = self.price();
        let failure = self.failure.as_ref();
        json!({
            "name": self.name,
            "roles": self.roles,
            "provider": model.map(|m| m.entry.provider),
            "origin": model.map(|m| &m.origin),
            "model": model.map(|m| &m.model),
            "listed": failure.is_none().then_some(listed.is_some() || !self.is_served()),
            "loaded": listed.and_then(|l| l.loaded),
            "window": listed.and_then(|l| l.window),
            "digest": listed.and_then(|l| l.digest.as_ref()),
            "paid": paid,
            "price": price,
            "tokens_per_sec": self.speed,
            "code": failure.map(|f| f.code.as_str()),
            "error": failure.map(|f| &f.message),
            "fix": failure.and_then(|f| f.fix.as_ref()),
        })
    }
}

fn is_served(model: &Resolved) -> bool {
    !matches!(model.entry.provider, Provider::Command | Provider::Replay)
}

impl Servers {
    /// The model as its server lists it; a program or a record only has to be there.
    fn ask(&mut self, here: &Here, model: &Resolved) -> Result<Option<Listed>, Failure> {
        if !is_served(model) {
            return local(here, model).map(|()| None);
        }
        let endpoint = call::endpoint(&here.settings, model)?;
        let asked = self.0.entry(endpoint.base_url.to_string());
        let all = asked.or_insert_with(|| Line::to(&endpoint, &here.settings).catalog()).clone();
        let all = all.map_err(|failure| said_of(failure, model))?;
        match haco_net::find(endpoint.provider, &all, &model.model) {
            Some(listed) => Ok(Some(listed.clone())),
            None if model.entry.provider == Provider::Ollama => Err(missing(model)),
            // A list of another server need not be whole.
            None => Ok(None),
        }
    }
}

/// The first model of a server that is away names it for all.
fn said_of(failure: Failure, model: &Resolved) -> Failure {
    let message = match failure.message.split_once("' at '") {
        Some((_, rest)) => format!("model '{}' at '{rest}", model.model),
        None => failure.message,
    };
    Failure { message, ..failure }
}

fn missing(model: &Resolved) -> Failure {
    let why = format!("model '{}' at '{}': the server does not have the model", model.model, model.origin);
    let pasteable = model.model.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b));
    let failure = Failure::new(Code::ModelMissing, why);
    if pasteable && !model.model.starts_with('-') {
        failure.fix(format!("ollama pull {}", model.model))
    } else {
        failure
    }
}

fn local(here: &Here, model: &Resolved) -> Result<(), Failure> {
    let (name, entry) = (&model.name, &model.entry);
    if entry.provider == Provider::Replay {
        let record = entry.record.as_deref().unwrap_or_default();
        let there = here.dir.join(record).is_file();
        let why = || format!("model '{name}': there is no record '{record}'");
        return if there { Ok(()) } else { Err(Failure::new(Code::BadConfig, why())) };
    }
    let program = entry.command.iter().flatten().next().map_or("", String::as_str);
    let runs = |path: &Path| path.is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = match program.contains('/') {
        true => runs(Path::new(program)),
        false => !program.is_empty() && std::env::split_paths(&path).any(|dir| runs(&dir.join(program))),
    };
    if found {
        return Ok(());
    }
    let failure = Failure::new(Code::CommandFailed, format!("model '{name}': no such program: '{program}'"));
    Err(failure.fix(format!("install it, or correct models.{name}.command")))
}

/// Of the latest record that counts the reply.
fn speed(store: &Store, model: &Resolved) -> Option<u64> {
    let own = |call: &Value| call["model"]["name"] == model.name.as_str();
    let records = crate::context::measure::calls(store).take(MOST_RECORDS);
    records.filter(own).find_map(|call| {
        let tokens = call["usage"]["completion_tokens"].as_u64()?;
        let millis = call["timing_ms"].as_u64().filter(|millis| *millis > 0)?;
        Some(tokens.saturating_mul(1000) / millis)
    })
}
