//! Every way a command can end, in one place: exit statuses and their rank, failure codes, and the failure itself.

use std::fmt;

/// The exit status of every program; the number is the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// Yes, or done.
    Yes = 0,
    /// No: checks failed, an audit rejected, nothing is left to do.
    No = 1,
    /// Wrong usage.
    Usage = 2,
    /// Somebody outside must act: a person, or the supervisor.
    Outside = 3,
    /// Stale or conflicting, or an illegal step.
    Stale = 4,
    /// A budget is spent.
    Spent = 5,
    /// A model or a forge is unavailable.
    Unavailable = 69,
    /// A bug in haco.
    Bug = 70,
    /// The disk, a pipe or a file failed.
    Io = 74,
    /// Busy or rate-limited; trying later may help.
    Busy = 75,
    /// Configuration, or a file from a newer version.
    Config = 78,
    /// Could not run: a wall, tool or service is missing; nothing was judged.
    CouldNotRun = 125,
    /// Interrupted (SIGINT).
    Interrupted = 130,
    /// Terminated (SIGTERM).
    Terminated = 143,
}

impl Status {
    /// From the highest-ranking problem to the lowest: with several tickets the first of these that occurred wins.
    pub const RANK: [Status; 14] = [
        Status::Interrupted,
        Status::Terminated,
        Status::Bug,
        Status::Io,
        Status::Config,
        Status::Usage,
        Status::CouldNotRun,
        Status::Unavailable,
        Status::Busy,
        Status::Spent,
        Status::Stale,
        Status::Outside,
        Status::No,
        Status::Yes,
    ];

    /// The number for `exit(3)`.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The status with this number, where it is one of ours.
    pub fn from_number(number: i32) -> Option<Status> {
        Status::RANK.into_iter().find(|s| i32::from(s.number()) == number)
    }

    /// The one of the two that ranks higher.
    pub fn worse(self, other: Status) -> Status {
        let rank = |s: Status| Status::RANK.iter().position(|r| *r == s);
        if rank(self) <= rank(other) { self } else { other }
    }
}

macro_rules! codes {
    ($($code:ident $text:literal $status:ident $meaning:literal;)*) => {
        /// Why a command said no or could not: `snake_case` on the wire, stable, each with its exit status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $code,)* }

        impl Code {
            /// Every code, in the order of the manual.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The code as it stands in `--json`, verdicts and the journal.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $text,)* }
            }

            /// The exit status of a command that ends with this code.
            pub fn status(self) -> Status {
                match self { $(Code::$code => Status::$status,)* }
            }

            /// One line for the manual.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning,)* }
            }
        }
    };
}

codes! {
    ChecksFailed "checks_failed" No "a check of the Definition of Done failed";
    VacuousCheck "vacuous_check" No "the checks do not tell the base from finished work";
    AuditRejected "audit_rejected" No "the auditor rejected the candidate";
    Unchanged "unchanged" No "the reply changes nothing";
    NoEdits "no_edits" No "the reply holds no edit";
    NotFound "not_found" No "the text that an edit searches for is not in the file";
    Ambiguous "ambiguous" No "an edit fits more than one place";
    Elided "elided" No "the reply leaves text out with an ellipsis";
    Truncated "truncated" Unavailable "the reply has no end";
    TruncatedEdit "truncated" No "an edit or a fence in the reply has no end";
    OutOfScope "out_of_scope" No "an edit touches a path that the ticket does not name";
    UnsafePath "unsafe_path" No "a path escapes, or names something that no draft may write";
    DependencyAdded "dependency_added" No "a draft adds a dependency that the ticket does not allow";
    BadManifest "bad_manifest" No "a manifest or lockfile cannot be read after a draft";
    Shrinks "shrinks" No "a whole-file reply drops much of the file";
    Overlap "overlap" No "two edits touch the same lines";
    BadEdit "bad_edit" No "an edit in the reply is malformed";
    Refusal "refusal" No "the model refused";
    ContentFilter "content_filter" No "the provider filtered the reply";
    EmptyReply "empty_reply" No "the reply is empty";
    UnexpectedToolCall "unexpected_tool_call" No "the reply is a tool call that nobody offered";
    Length "length" No "the reply stopped at the token limit";
    NothingLeft "nothing_left" No "nothing is left to do";
    NoIds "no_ids" No "a pipe brought no ids";
    TicketsRefused "tickets_refused" No "some tickets of a plan are not valid";
    Findings "findings" No "the doctor found something";
    ReplayDiffers "replay_differs" No "the record replayed comes out differently";
    EndedBadly "ended_badly" No "a confined command ended badly; its status is the exit status";
    LimitPassed "limit_passed" No "a confined command passed a limit; the exit status says which";
    Usage "usage" Usage "wrong usage";
    UnknownId "unknown_id" Usage "no such ticket or plan";
    WhichPlan "which_plan" Usage "several plans are open and none was named";
    BadTicket "bad_ticket" Usage "a ticket is not valid";
    BadPlan "bad_plan" Usage "a plan is not valid";
    Cycle "cycle" Usage "tickets depend on each other in a circle";
    BadVerdict "bad_verdict" Usage "a verdict is malformed";
    NotARepository "not_a_repository" Usage "not inside a git working tree";
    NoCommit "no_commit" Usage "the repository has no commit yet";
    NotInitialised "not_initialised" Usage "there is no .haco here yet";
    NeedsPerson "needs_person" Outside "a person must act at a terminal";
    NeedsSupervisor "needs_supervisor" Outside "the supervising agent must answer";
    Undecided "undecided" Outside "the person decided nothing";
    IllegalStep "illegal_step" Stale "the ticket is not where this step begins";
    Stale "stale" Stale "the bytes that were judged are not the bytes that are here";
    Conflict "conflict" Stale "two changes meet in one path";
    SameAuthor "same_author" Stale "the author of a draft may not audit it";
    OutsideApproval "outside_approval" Stale "the model is not in the set that a person approved";
    LocalChanges "local_changes" Stale "local changes would be touched";
    ForeignWrite "foreign_write" Stale "somebody else wrote a state file";
    BudgetSpent "budget_spent" Spent "the tries of every model of the route are spent";
    SpendLimit "spend_limit" Spent "the provider's spend limit is reached";
    OverBudget "over_budget" Spent "a money cap would be passed";
    ConnectionRefused "connection_refused" Unavailable "no server listens there";
    Dns "dns" Unavailable "the host's name is not known";
    ConnectTimeout "connect_timeout" Unavailable "the server did not accept the connection in time";
    IdleTimeout "idle_timeout" Unavailable "the server sent nothing for too long";
    TotalTimeout "total_timeout" Unavailable "the call took too long in all";
    Tls "tls" Unavailable "the secure connection could not be made";
    ModelMissing "model_missing" Unavailable "the server does not have the model";
    ServerError "server_error" Unavailable "the server failed";
    BadReply "bad_reply" Unavailable "the server's answer is not of its protocol";
    TooLarge "too_large" Unavailable "the answer is larger than the limit";
    ContextExceeded "context_exceeded" Unavailable "the prompt does not fit the model's window";
    ContextTruncated "context_truncated" Unavailable "the server cut the prompt";
    NoReplay "no_replay" Unavailable "the record holds no reply for this step";
    PushFailed "push_failed" Unavailable "the remote did not take the push";
    CommandFailed "command_failed" Unavailable "a provider's command failed";
    Bug "bug" Bug "a bug in haco";
    Io "io" Io "the disk, a pipe or a file failed";
    JournalBroken "journal_broken" Io "the journal's chain is broken";
    Busy "busy" Busy "another process holds the lock";
    RateLimited "rate_limited" Busy "the provider asks to wait";
    Overloaded "overloaded" Busy "the provider is overloaded";
    BadConfig "bad_config" Config "a configuration is not valid";
    NewerVersion "newer_version" Config "a file is from a newer version of haco";
    UnreadableState "unreadable_state" Config "a state file cannot be read";
    Unauthorized "unauthorized" Config "the provider does not know the key";
    Forbidden "forbidden" Config "the provider forbids the call";
    RedirectRefused "redirect_refused" Config "the server redirects, and redirects are not followed";
    InsecureUrl "insecure_url" Config "a key would cross the network in the clear";
    BadKey "bad_key" Config "a key cannot be had, or has characters that no key has";
    MissingTool "missing_tool" CouldNotRun "a program that a check needs is not there";
    MissingService "missing_service" CouldNotRun "a service that a check needs does not answer";
    MissingWall "missing_wall" CouldNotRun "a wall of the confinement cannot be had here";
    CannotConfine "cannot_confine" CouldNotRun "a command cannot be confined as was asked";
    AuditUnusable "audit_unusable" CouldNotRun "the auditor gave no usable verdict";
}

impl Code {
    /// The code that stands for a program's exit status where it gave none of its own.
    pub fn usual(status: Status) -> Code {
        match status {
            Status::Yes | Status::No => Code::ChecksFailed,
            Status::Usage => Code::Usage,
            Status::Outside => Code::NeedsPerson,
            Status::Stale => Code::Stale,
            Status::Spent => Code::BudgetSpent,
            Status::Unavailable => Code::ServerError,
            Status::Io => Code::Io,
            Status::Busy => Code::Busy,
            Status::Config => Code::BadConfig,
            Status::CouldNotRun => Code::MissingTool,
            Status::Bug | Status::Interrupted | Status::Terminated => Code::Bug,
        }
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure that a person reads: one line that names the subject in single quotes and the cause after a colon, a code,
/// and where there is one a fix that works when pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which failure, and so which exit status.
    pub code: Code,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What to do, as a command where there is one.
    pub fix: Option<String>,
}

impl Failure {
    /// A failure without a fix.
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), fix: None }
    }

    /// The same failure with a fix.
    pub fn fix(self, fix: impl Into<String>) -> Failure {
        Failure { fix: Some(fix.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_unique_but_for_what_breaks_off() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!(seen.insert(code.as_str()) || *code == Code::TruncatedEdit, "{code} twice");
        }
    }

    #[test]
    fn the_worse_of_two_statuses_ranks_higher() {
        assert_eq!(Status::No.worse(Status::Yes), Status::No);
        assert_eq!(Status::CouldNotRun.worse(Status::Usage), Status::Usage);
        assert_eq!(Status::Interrupted.worse(Status::Bug), Status::Interrupted);
        assert_eq!(Status::from_number(125), Some(Status::CouldNotRun));
        assert_eq!(Status::from_number(99), None);
    }
}
