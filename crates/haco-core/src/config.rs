//! The configuration as people write it: every key optional, unknown keys refused.
//!
//! What several files say together is `settings`.

use crate::key::KeyName;
use crate::route::Entry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One configuration file, or a plan's overrides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// So that editors complete the file.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Models by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, Model>,
    /// Which models act in which role.
    #[serde(skip_serializing_if = "is_default")]
    pub roles: Roles,
    /// The repository's own check commands; `null` says that there is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<CheckSlot, Option<String>>,
    /// Services that checks may need.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Need>,
    /// Money.
    #[serde(skip_serializing_if = "is_default")]
    pub budget: Budget,
    /// Time-outs of model calls.
    #[serde(skip_serializing_if = "is_default")]
    pub http: Http,
    /// How checks run.
    #[serde(skip_serializing_if = "is_default")]
    pub verify: Verify,
    /// What a person is asked.
    #[serde(skip_serializing_if = "is_default")]
    pub gates: Gates,
    /// How `haco run` works.
    #[serde(skip_serializing_if = "is_default")]
    pub run: Run,
    /// How work ships.
    #[serde(skip_serializing_if = "is_default")]
    pub ship: Ship,
    /// What may leave the machine.
    #[serde(skip_serializing_if = "is_default")]
    pub privacy: Privacy,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The five kinds of check that repositories have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckSlot {
    /// Unit tests.
    Test,
    /// Lints.
    Lint,
    /// Formatting.
    Format,
    /// Types.
    Typecheck,
    /// A build.
    Build,
}

impl CheckSlot {
    /// In the order in which they are offered.
    pub const ALL: [CheckSlot; 5] =
        [CheckSlot::Test, CheckSlot::Lint, CheckSlot::Format, CheckSlot::Typecheck, CheckSlot::Build];

    /// The key in `checks`.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckSlot::Test => "test",
            CheckSlot::Lint => "lint",
            CheckSlot::Format => "format",
            CheckSlot::Typecheck => "typecheck",
            CheckSlot::Build => "build",
        }
    }
}

/// One entry of `models`; it counts whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Which protocol it speaks.
    pub provider: Provider,
    /// As the provider names it; none is the entry's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the official client of the protocol takes; none is the published origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Sent as they are (`num_ctx`, `temperature` …).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// Calls at a time; none is unbounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// The environment variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The key that `haco key` keeps under this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyName>,
    /// The program that prints the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_command: Option<Vec<String>>,
    /// Provider `command`: the program; the prompt is on its stdin, or in the file `{prompt_file}` where a word says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Provider `command`: the form of what it prints.
    #[serde(skip_serializing_if = "is_default")]
    pub output: Output,
    /// Provider `command`: `host` lets it reach the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Net>,
    /// Provider `command`: directories below the home that it may use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub home: Vec<String>,
    /// Seconds that one call may take; none is `http.total_timeout_sec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u64>,
    /// Tries of one ticket after the first, where the ticket does not say; none is 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<u32>,
    /// US dollars per million tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The most that one call can cost in US dollars, where tokens and price do not bound it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_call_usd: Option<f64>,
    /// Provider `replay`: the file with the recorded replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// Which protocol a model speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Ollama's native API.
    #[default]
    Ollama,
    /// Chat completions as OpenAI published them.
    Openai,
    /// Anthropic's Messages.
    Anthropic,
    /// A program.
    Command,
    /// Recorded replies.
    Replay,
}

impl Provider {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Ollama => "ollama",
            Provider::Openai => "openai",
            Provider::Anthropic => "anthropic",
            Provider::Command => "command",
            Provider::Replay => "replay",
        }
    }
}

/// The form of what a provider's program prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The reply alone.
    #[default]
    Text,
    /// As `claude -p --output-format json`.
    ClaudeJson,
    /// As `codex exec --json`.
    CodexJsonl,
    /// As `gemini -p … --output-format json`.
    GeminiJson,
    /// An object a line: `text`, and at last `done`.
    Ndjson,
}

/// Which network a program reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Net {
    /// None.
    None,
    /// Its own loopback.
    Loopback,
    /// The machine's.
    Host,
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    pub input_usd_per_mtok: f64,
    /// Of the reply.
    pub output_usd_per_mtok: f64,
}

/// Ordered routes by role; `supervisor` and `human` are entries too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// Plans; none is the supervisor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tech_lead: Option<Vec<String>>,
    /// Drafts; none is the default model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Vec<Entry>>,
    /// Audits; none is the supervisor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auditor: Option<Vec<String>>,
}

/// A service that a check needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Exits 0 where the service answers.
    pub probe: String,
    /// Starts it inside the same walls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Seconds until it must answer; none is 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u32>,
}

/// Caps in US dollars.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// For one ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_usd: Option<f64>,
    /// For one plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_usd: Option<f64>,
    /// For one day, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_usd: Option<f64>,
}

/// Time-outs of model calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Until a connection stands; none is 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_sec: Option<u64>,
    /// Between two bytes of a reply; none is 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_sec: Option<u64>,
    /// For one attempt in all; none is 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_timeout_sec: Option<u64>,
    /// Of what failed before the first text; none is 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// How checks run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// Commands run before the checks; what they make is kept for candidates of the same base and lock files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// Which network the setup reaches; the user's own file only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_net: Option<Net>,
    /// Paths of the working tree that copies may see, so that a check starts warm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub share: Vec<String>,
    /// Variables of the caller's environment that checks may see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Walls that may be missing; the user's own file only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_weaker: Vec<String>,
    /// Seconds for one check; none is 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u32>,
}

/// What a person is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// Gate 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Ask>,
    /// Gate 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Ask>,
    /// What counts as a person's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
    /// A file of allowed signers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signers: Option<String>,
}

/// How a gate is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// A person is asked.
    Ask,
}

/// What counts as a person's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Require {
    /// A terminal.
    Tty,
}

/// How `haco run` works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Steps in progress at a time; none is 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u32>,
}

/// How work ships.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ship {
    /// One branch a plan or a ticket; none is a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// The remote's name; none is `origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

/// What one branch holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The accepted tickets of a plan, united.
    #[default]
    Plan,
    /// One accepted ticket.
    Ticket,
}

/// What may leave the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// Refuse every origin that is neither loopback nor listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_only: Option<bool>,
    /// Origins that count as private; the user's own file only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_origins: Vec<String>,
}

impl Config {
    /// Reads a configuration file; the error names line and field.
    pub fn read(bytes: &[u8]) -> Result<Config, String> {
        let mut from = serde_json::Deserializer::from_slice(bytes);
        let config: Config = serde_path_to_error::deserialize(&mut from).map_err(|error| {
            let field = error.path().to_string();
            let field = if field == "." { String::new() } else { format!("field '{field}': ") };
            format!("{field}{}", error.inner())
        })?;
        from.end().map_err(|error| error.to_string())?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let error = Config::read(b"{\n \"budget\": {\"ticket\": 1}\n}").expect_err("refused");
        assert!(error.contains("budget.ticket") && error.contains("line 2"), "{error}");
        assert!(Config::read(b"{} x").is_err());
        assert_eq!(Config::read(b"{}"), Ok(Config::default()));
    }
}
