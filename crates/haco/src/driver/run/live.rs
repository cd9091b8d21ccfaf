//! What a person or a program sees of the steps while they run: lines that are rewritten at a terminal, plain lines
//! elsewhere, JSON Lines with `--json`.

use super::hand::{Ended, InHand};
use crate::output::{Out, shown};
use haco_core::{
    code::Status,
    cursor::{self, Offer},
};
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};

/// Longer lines would wrap, and the rewriting would go wrong.
const WIDTH: usize = 78;

/// What is to be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Nothing,
    Plain,
    Rewritten,
    Json,
}

pub(super) struct Live {
    how: How,
    /// Lines on the screen that the next drawing takes back.
    drawn: usize,
}

impl Live {
    pub(super) fn new(out: &Out) -> Live {
        let terminal = io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|t| t != "dumb");
        let how = match () {
            () if out.is_json() => How::Json,
            () if out.is_quiet() => How::Nothing,
            () if terminal => How::Rewritten,
            () => How::Plain,
        };
        Live { how, drawn: 0 }
    }

    pub(super) fn started(&mut self, offer: &Offer, out: &mut Out) -> io::Result<()> {
        if self.how == How::Json { out.json_line(&event("start", offer)) } else { Ok(()) }
    }

    /// `left` says that the action is not started again.
    pub(super) fn ended(
        &mut self,
        ended: &Ended,
        status: Option<cursor::Status>,
        left: bool,
        out: &mut Out,
    ) -> io::Result<()> {
        if self.how == How::Json {
            return out.json_line(&end_event(ended, status));
        }
        self.say(&end_line(ended, left));
        Ok(())
    }

    /// A line that stays.
    pub(super) fn say(&mut self, line: &str) {
        if matches!(self.how, How::Plain | How::Rewritten) {
            self.clear();
            print(&format!("{}\n", shown(line)));
        }
    }

    /// Takes back what was drawn.
    pub(super) fn clear(&mut self) {
        if self.drawn > 0 {
            print(&format!("\x1b[{}A\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    /// A line a step in hand, at a terminal only.
    pub(super) fn draw(&mut self, in_hand: &[InHand]) {
        if self.how != How::Rewritten {
            return;
        }
        self.clear();
        let line = |hand: &InHand| {
            let model = hand.offer.model.as_deref().unwrap_or_default();
            let seconds = hand.since.elapsed().as_secs();
            shown(&format!("{}  {seconds} s  {model}", subject(&hand.offer))).chars().take(WIDTH).collect::<String>()
        };
        let lines: Vec<String> = in_hand.iter().map(line).collect();
        print(&lines.iter().map(|l| format!("{l}\n")).collect::<String>());
        self.drawn = lines.len();
    }
}

/// A stderr that is closed is nobody's failure.
fn print(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// `T-001  draft`; a whole plan stands under its own id.
fn subject(offer: &Offer) -> String {
    let id = offer.ticket.as_ref().map_or(offer.plan.as_str(), |t| t.as_str());
    format!("{id}  {}", offer.action.as_str())
}

fn end_line(ended: &Ended, left: bool) -> String {
    let word = match ended.status {
        Status::Yes => "ok",
        Status::No => "no",
        Status::CouldNotRun => "blocked",
        _ if left => "left",
        _ => "again",
    };
    let seconds = ended.took.as_secs_f64();
    let why = ended.failure.as_ref().map_or(String::new(), |f| format!("  {}", f.message));
    format!("{}  {word} {seconds:.1}s{why}", subject(&ended.offer))
}

fn event(word: &str, offer: &Offer) -> Value {
    let mut value = json!({"event": word, "action": offer.action.as_str(), "plan": offer.plan});
    if let Some(ticket) = &offer.ticket {
        value["ticket"] = json!(ticket);
    }
    if let Some(model) = &offer.model {
        value["model"] = json!(model);
    }
    value
}

/// `status` is where the ticket stands now, `exit` what its program ended with.
fn end_event(ended: &Ended, status: Option<cursor::Status>) -> Value {
    let mut value = event("end", &ended.offer);
    value["exit"] = json!(ended.status.number());
    value["seconds"] = json!((ended.took.as_secs_f64() * 1000.0).round() / 1000.0);
    if let Some(status) = status {
        value["status"] = json!(status);
    }
    if let Some(failure) = &ended.failure {
        value["code"] = json!(failure.code.as_str());
        value["error"] = json!(failure.message);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{super::choose::tests::offer, *};
    use haco_core::{
        code::{Code, Failure},
        cursor::Action,
    };
    use std::time::Duration;

    #[test]
    fn an_end_is_one_line_or_one_object() {
        let failure = Some(Failure::new(Code::ChecksFailed, "T-001: greet: exit status 1"));
        let ended = Ended {
            offer: offer(Action::Verify, Some(1), None),
            status: Status::No,
            failure,
            took: Duration::from_millis(1240),
        };
        assert_eq!(end_line(&ended, false), "T-001  verify  no 1.2s  T-001: greet: exit status 1");
        let expected = json!({
            "event": "end", "action": "verify", "plan": "p", "ticket": "T-001", "exit": 1, "seconds": 1.24,
            "status": "ready", "code": "checks_failed", "error": "T-001: greet: exit status 1",
        });
        assert_eq!(end_event(&ended, Some(cursor::Status::Ready)), expected);
    }
}
