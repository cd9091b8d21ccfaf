//! Where models are asked from that no ticket asks for: a repository, where there is one, and what the configuration says.

use crate::{call, confined::Line, desk, output::Out};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    config::Provider,
    settings::{Resolved, Settings},
};
use haco_store::{Place, Store};
use std::path::PathBuf;

/// A place to ask from.
pub struct Here {
    /// The repository's configuration and the user's; outside a repository only the user's.
    pub settings: Settings,
    /// The repository's state.
    pub store: Option<Store>,
    /// Where relative records and programs start.
    pub dir: PathBuf,
}

/// What became of a model that was to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmed {
    /// Its server has it in memory.
    Loaded,
    /// It is loaded by others, or not at all.
    Needless,
}

impl Here {
    /// The current directory's.
    pub fn find(out: &Out) -> Result<Here> {
        let dir = std::env::current_dir().map_err(|e| Failure::new(Code::Io, format!("no current directory: {e}")))?;
        let place = Place::find(&dir).ok();
        let settings = Settings::resolve(&desk::layers(place.as_ref())?);
        for ignored in &settings.ignored {
            out.detail(ignored);
        }
        let store = place.as_ref().and_then(|place| Store::open(place).ok());
        Ok(Here { settings, store, dir: place.map_or(dir, |p| p.main) })
    }

    /// Has the model's server load it, with the options that decide how.
    pub fn warm(&self, model: &Resolved) -> Result<Warmed, Failure> {
        if model.entry.provider != Provider::Ollama {
            return Ok(Warmed::Needless);
        }
        let endpoint = call::endpoint(&self.settings, model)?;
        Line::to(&endpoint, &self.settings).warm().map(|()| Warmed::Loaded)
    }
}
