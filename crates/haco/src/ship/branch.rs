//! The commits of one branch: the accepted changes one by one in the order of their dependencies, each with the ticket's
//! words and trailers, and at the end exactly the tree that was judged. The same tickets always give the same commits.

use crate::{
    clock,
    desk::{Desk, Loaded},
    ground,
};
use anyhow::Result;
use haco_core::{
    code::{Code, Failure},
    cursor::Position,
    hash::Hash,
    id::TicketId,
    oid::Oid,
    plan::Plan,
    secret,
    ticket::Ticket,
    verdict::{Answer, Verdict},
};
use haco_git::Who;
use std::collections::BTreeSet;

/// One branch, ready to be pushed.
pub(super) struct Branch {
    /// Its name on the remote.
    pub(super) name: String,
    /// In order; the last is the tip.
    pub(super) commits: Vec<Made>,
}

/// One commit of the branch.
pub(super) struct Made {
    pub(super) ticket: TicketId,
    pub(super) title: String,
    pub(super) commit: Oid,
}

impl Branch {
    /// The commit that is pushed.
    pub(super) fn tip(&self) -> Option<&Oid> {
        self.commits.last().map(|c| &c.commit)
    }
}

/// Makes the commits of `tickets`, which are in order and hold all that they depend on.
pub(super) fn make(
    desk: &Desk,
    loaded: &Loaded,
    position: &Position,
    plan: &Plan,
    tickets: &[TicketId],
    name: String,
) -> Result<Branch> {
    let repo = desk.repo()?;
    let (person, email) = repo.person()?;
    let journal = journal(desk, tickets)?;
    let mut parent = plan.base.clone();
    let mut tree = repo.tree_of(&parent)?;
    let mut parts = Vec::new();
    let mut commits = Vec::new();
    for (i, id) in tickets.iter().enumerate() {
        let ticket = loaded.ticket(id)?;
        let contract = haco_core::subject::contract(ticket);
        let attempt = position.standings.get(id).and_then(|s| s.attempt).and_then(|n| ticket.attempt(n));
        let gone = || Failure::new(Code::Stale, format!("{id}: its accepted candidate is not here")).fix("haco doctor");
        let candidate = attempt.and_then(|a| a.candidate.as_ref()).filter(|c| repo.has(&c.commit)).ok_or_else(gone)?;
        tree = repo.edit_tree(&tree, &candidate.change)?;
        let last = (i + 1 == tickets.len()).then_some(journal.as_ref()).flatten();
        let accepted = accepted(ticket);
        let seconds = accepted.and_then(|v| clock::seconds(&v.at)).unwrap_or(0);
        let who = Who::Person { name: person.clone(), email: email.clone(), seconds, offset_sec: 0 };
        let text = message(ticket, &contract, &auditor(ticket), last);
        parent = repo.commit(&tree, &[parent], &text, &who)?;
        parts.push(candidate.commit.clone());
        commits.push(Made { ticket: id.clone(), title: ticket.title.clone(), commit: parent.clone() });
    }
    let judged = ground::union_tree(desk, plan, &loaded.tickets, &parts)?;
    if judged != tree {
        let why = format!("'{name}' would hold the tree {}, and {} was accepted", tree.short(), judged.short());
        return Err(Failure::new(Code::Stale, why).fix("haco doctor").into());
    }
    Ok(Branch { name, commits })
}

/// The acceptance that stands.
fn accepted(ticket: &Ticket) -> Option<&Verdict> {
    ticket.verdicts.iter().rev().find(|v| v.check == "acceptance" && v.verdict == Answer::Pass)
}

/// Who passed the candidate.
fn auditor(ticket: &Ticket) -> String {
    let audit = ticket.verdicts.iter().rev().find(|v| v.check == "auditor" && v.verdict == Answer::Pass);
    audit.map_or_else(|| "none".to_owned(), |v| v.model.clone().unwrap_or_else(|| v.by.clone()))
}

/// The hash of the latest journal line, shipping aside, that wrote one of the tickets: it stays the same until one of them
/// changes, so that shipping twice is one branch.
fn journal(desk: &Desk, tickets: &[TicketId]) -> Result<Option<Hash>> {
    let files: BTreeSet<String> = tickets.iter().map(|id| format!("tickets/{id}.json")).collect();
    let lines = desk.store.journal().lines()?;
    let wrote =
        |l: &&haco_core::journal::Line| l.event != super::EVENT && l.files.iter().any(|f| files.contains(&f.path));
    Ok(lines.iter().rev().find(wrote).map(|l| l.hash.clone()))
}

/// A commit's message: title, the description's first paragraph, trailers.
fn message(ticket: &Ticket, contract: &Hash, auditor: &str, journal: Option<&Hash>) -> String {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control() || *c == '\n').collect::<String>();
    let paragraph = ticket.task.description.trim().replace("\r\n", "\n");
    let paragraph = clean(paragraph.split("\n\n").next().unwrap_or_default().trim());
    let mut text = format!("{}\n\n", clean(&ticket.title.replace('\n', " ")));
    if !paragraph.is_empty() {
        text.push_str(&format!("{paragraph}\n\n"));
    }
    text.push_str(&format!("Haco-Ticket: {}\nHaco-Contract: {contract}\n", ticket.id));
    text.push_str(&format!("Haco-Audit: {}\n", clean(&auditor.replace('\n', " "))));
    if let Some(journal) = journal {
        text.push_str(&format!("Haco-Journal: {journal}\n"));
    }
    // It is sent, and stays.
    secret::redact(&text).into_owned()
}

/// What a person opens for a branch: a comparison on a forge whose address says what it is.
pub(super) fn compare(url: &str, branch: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/')?;
            let host = host.rsplit('@').next()?;
            let web = matches!(scheme, "http" | "https");
            (if web { host } else { host.split(':').next()? }, path)
        }
        None => {
            let (host, path) = url.split_once(':').filter(|(host, _)| !host.contains('/'))?;
            (host.rsplit('@').next()?, path)
        }
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./~:".contains(c));
    if !plain(host) || !plain(path) {
        return None;
    }
    if host.contains("github") {
        return Some(format!("https://{host}/{path}/compare/{branch}?expand=1"));
    }
    let query = branch.replace('/', "%2F");
    let new = "-/merge_requests/new?merge_request%5Bsource_branch%5D=";
    host.contains("gitlab").then(|| format!("https://{host}/{path}/{new}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ticket(description: &str) -> Ticket {
        let stored = json!({
            "id": "T-001", "title": "Greet", "type": "feature", "plan": "p",
            "task": {"description": description}, "definition_of_done": {},
        });
        serde_json::from_value(stored).expect("a ticket")
    }

    #[test]
    fn a_message_has_the_first_paragraph_and_its_trailers_last() {
        let hash = Hash::of(b"");
        let text = message(&ticket("Say hello.\nTo all.\n\nHaco-Audit: forged\u{1b}[2J"), &hash, "claude", Some(&hash));
        let expected = format!(
            "Greet\n\nSay hello.\nTo all.\n\nHaco-Ticket: T-001\nHaco-Contract: {hash}\nHaco-Audit: claude\nHaco-Journal: {hash}\n"
        );
        assert_eq!(text, expected);
        let text = message(&ticket(""), &hash, "human\nHaco-Ticket: T-009", None);
        assert_eq!(
            text,
            format!("Greet\n\nHaco-Ticket: T-001\nHaco-Contract: {hash}\nHaco-Audit: human Haco-Ticket: T-009\n")
        );
    }

    #[test]
    fn a_forge_is_known_by_its_host_and_no_password_is_shown() {
        let github = Some("https://github.com/me/it/compare/haco/p?expand=1".to_owned());
        for url in [
            "https://github.com/me/it.git",
            "https://x:secret@github.com/me/it",
            "git@github.com:me/it.git",
            "ssh://git@github.com:22/me/it.git",
        ] {
            assert_eq!(compare(url, "haco/p"), github, "{url}");
        }
        let gitlab = "https://gitlab.example.org/a/b/c/-/merge_requests/new?merge_request%5Bsource_branch%5D=haco%2Fp";
        assert_eq!(compare("https://gitlab.example.org/a/b/c", "haco/p").as_deref(), Some(gitlab));
        for url in
            ["/srv/github.git", "../it", "file:///srv/github/it", "https://example.org/me/it", "https://github.com/a b"]
        {
            assert_eq!(compare(url, "haco/p"), None, "{url}");
        }
    }
}
