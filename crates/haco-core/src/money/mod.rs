//! Money: exact amounts, what calls cost, and caps that no call may pass.
//!
//! Before a call its worst case is held by a line of the journal, after it the same line is settled:
//!
//! ```text
//! seq 7  call  {"hold_nano_usd": 120000000}                  written under the journal's lock, if the caps allow it
//! seq 9  paid  {"call": 7, "cost": "actual", "nano_usd": …}  what it came to
//! ```
//!
//! A call that nobody settled, because its process died or its cost is not known, counts as what was held for it.

mod ledger;
mod price;
mod usd;

pub use ledger::{Claim, Ledger, Spent};
pub use price::{REPLY_TOKENS, cost, of_tokens, own_limit, price, table, worst};
pub use usd::Usd;
