//! What a call costs and what it takes out of the machine: money is held in the journal before it, under the caps, and
//! settled after it; bytes that leave are written there before they do.
//!
//! What a killed process held stays held: the call may have been answered, and paid for.

use crate::{call::Called, clock};
use anyhow::Result;
use haco_core::{
    attempt::CostKind,
    code::{Code, Failure, Status},
    config::Budget,
    id::{PlanId, TicketId},
    journal::Event,
    money::{self, Claim, Ledger, Usd},
    settings::{Resolved, Settings},
};
use haco_net::Ask;
use haco_store::Store;
use serde_json::{Value, json};
use std::cell::RefCell;

/// What a call is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errand<'a> {
    /// `T-001/1/worker`: where a record looks for its reply.
    pub place: &'a str,
    /// Who asks.
    pub role: &'a str,
    /// The plan that it belongs to.
    pub plan: Option<&'a PlanId>,
    /// The ticket that it is for.
    pub ticket: Option<&'a TicketId>,
    /// How many bytes of which files it takes along: `[{"path", "bytes"}]`.
    pub files: Option<&'a Value>,
}

/// What the journal has of a call: nothing for one that is free and stays on this machine.
#[derive(Debug)]
pub struct Hold {
    /// The line that holds money.
    line: Option<u64>,
    /// The most tokens that the reply may have, where the worst case depends on it.
    pub max_tokens: Option<u64>,
}

/// Holds the worst case of a call of `model`, where the caps allow it and there is a journal to hold it in.
pub fn hold(
    store: Option<&Store>,
    settings: &Settings,
    model: &Resolved,
    ask: &Ask<'_>,
    errand: &Errand<'_>,
) -> Result<Hold, Failure> {
    let bytes = ask.prompt.len() + ask.system.map_or(0, str::len) + ask.schema.map_or(0, |s| s.to_string().len());
    let mut data = json!({"model": model.name, "origin": model.origin, "bytes": bytes});
    if let Some(files) = errand.files {
        data["files"] = files.clone();
    }
    let event = event("call", &clock::now(), errand, data);
    if !model.paid {
        if let Some(store) = store.filter(|_| model.leaves_the_machine()) {
            store.note(event)?;
        }
        return Ok(Hold { line: None, max_tokens: ask.max_tokens });
    }
    let capped = settings.budget != Budget::default();
    let own = money::own_limit(model);
    let wanted = ask.max_tokens.or_else(|| (capped && own.is_none()).then_some(money::REPLY_TOKENS));
    let worst = money::worst(model, bytes, own.max(wanted).unwrap_or(money::REPLY_TOKENS));
    if capped && (store.is_none() || worst.is_none()) {
        return Err(unheld(model, worst));
    }
    let Some(store) = store else { return Ok(Hold { line: None, max_tokens: wanted }) };
    let line = write(store, &settings.budget, worst, errand, event)?;
    Ok(Hold { line: Some(line), max_tokens: wanted })
}

/// Why a cap cannot be kept.
fn unheld(model: &Resolved, worst: Option<Usd>) -> Failure {
    let name = &model.name;
    match worst {
        Some(_) => {
            let why = format!("model '{name}' costs money, a cap is set, and there is no journal here to count in");
            Failure::new(Code::OverBudget, why).fix("haco init")
        }
        None => {
            let why = format!("model '{name}' costs money, a cap is set, and nobody knows what a call may cost");
            Failure::new(Code::OverBudget, why)
                .fix(format!("set models.{name}.price, or .max_call_usd, in your configuration: man haco-config"))
        }
    }
}

fn write(
    store: &Store,
    budget: &Budget,
    worst: Option<Usd>,
    errand: &Errand<'_>,
    mut event: Event,
) -> Result<u64, Failure> {
    event.data["hold_nano_usd"] = json!(worst);
    if *budget == Budget::default() {
        return Ok(store.note(event)?.seq);
    }
    let ledger = RefCell::new(Ledger::default());
    let decide = || {
        let day = event.at.get(..10).unwrap_or_default();
        let claim = Claim { plan: errand.plan, ticket: errand.ticket, day, worst: worst.unwrap_or_default() };
        let allowed = ledger.borrow().allows(budget, &claim).map_err(|failure| errand.named(failure));
        allowed.map(|()| event)
    };
    Ok(store.note_by(|line| ledger.borrow_mut().take(line), decide)?.seq)
}

impl Errand<'_> {
    fn named(&self, failure: Failure) -> Failure {
        match self.ticket {
            Some(id) => Failure { message: format!("{id}: {}", failure.message), ..failure },
            None => failure,
        }
    }
}

fn event(word: &str, at: &str, errand: &Errand<'_>, data: Value) -> Event {
    let (plan, ticket) = (errand.plan.cloned(), errand.ticket.cloned());
    Event { plan, ticket, data, ..Event::new(word, errand.role, at) }
}

impl Hold {
    /// Says in the journal what the call came to; none is one that could not be made.
    pub fn settle(&self, store: Option<&Store>, errand: &Errand<'_>, called: Option<&Called>) -> Result<()> {
        let (cost, usd) = called.map_or((CostKind::Actual, Some(Usd::ZERO)), came_to);
        // A model that is free and whose server names no money is not worth a line.
        let (Some(store), true) = (store, self.line.is_some() || usd.is_some_and(|usd| usd > Usd::ZERO)) else {
            return Ok(());
        };
        let mut data = json!({"cost": cost});
        if let Some(line) = self.line {
            data["call"] = json!(line);
        }
        if let Some(usd) = usd {
            data["nano_usd"] = json!(usd);
        }
        store.note(event("paid", &clock::now(), errand, data))?;
        Ok(())
    }
}

/// What a call came to, where that is certain: a whole reply has its count; what never began costs nothing.
fn came_to(called: &Called) -> (CostKind, Option<Usd>) {
    let whole = called.failure.as_ref().is_none_or(|f| f.code.status() == Status::No);
    let usage = called.usage.as_ref();
    match (usage, &called.failure) {
        (Some(usage), _) if whole || usage.cost == CostKind::Actual => (usage.cost, usage.cost_usd.map(Usd::up)),
        (None, Some(failure)) if is_before_the_model(failure.code) => (CostKind::Actual, Some(Usd::ZERO)),
        _ => (CostKind::Unknown, None),
    }
}

/// Whether the call failed before a model could begin its work, so that nobody bills it.
fn is_before_the_model(code: Code) -> bool {
    use Code::*;
    let codes = [
        ConnectionRefused,
        Dns,
        ConnectTimeout,
        Tls,
        RedirectRefused,
        InsecureUrl,
        BadKey,
        BadConfig,
        Unauthorized,
        Forbidden,
        ModelMissing,
        RateLimited,
        Overloaded,
        SpendLimit,
        ContextExceeded,
        NoReplay,
    ];
    codes.contains(&code)
}
