//! One request, one complete reply, streamed where the server can: what haco says to model servers and how it hears their answers.
//!
//! Three protocols (Ollama's own, OpenAI-compatible, Anthropic Messages), all behind [`ask`]; a recorded body goes
//! through the same [`parse_reply`] as a server's, and a command's output through [`parse_command_output`]. Everything
//! that arrives is data: bounded, parsed, never obeyed. Which model is asked, and what a reply means, is not decided here.
#![warn(missing_docs)]

mod adapt;
mod anthropic;
mod ask;
mod azure;
mod catalog;
mod certs;
mod command;
mod date;
mod dial;
mod endpoint;
mod failed;
mod fix;
mod frame;
mod heard;
#[cfg(test)]
mod hostile;
mod http;
mod ollama;
mod openai;
mod progress;
mod proxy;
mod refused;
mod reply;
mod request;
mod secret;
#[cfg(test)]
mod server;
mod stream;
#[cfg(test)]
mod stream_tests;
mod think;
mod window;

pub use ask::{ask, has_model, known, models, warm};
pub use catalog::{Listed, catalog, find};
pub use command::parse_command_output;
pub use dial::{Missed, Through, dial};
pub use endpoint::{Ask, Endpoint, Limits, MAX_BODY_BYTES, Provider};
pub use failed::Failed;
pub use http::Answer;
pub use progress::{Listener, News};
pub use proxy::Proxies;
pub use reply::{Reply, Usage, parse_reply, protocol_of};
pub use request::request_body;
pub use secret::Secret;
pub use window::Known;
