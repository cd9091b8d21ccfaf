//! What a reply comes to: the files that change, how each edit was applied, and what a person should see.

use super::{Format, Refusal};
use crate::code::Code;
use crate::path::RepoPath;
use serde::{Deserialize, Serialize};

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edited {
    /// The form that the reply has; `Auto` where it mixes forms.
    pub format: Format,
    /// The files that the reply edits, by path, those that already are as it has them among them; never empty.
    pub files: Vec<FileEdit>,
    /// What the person who accepts should look at.
    pub flags: Vec<Flag>,
}

impl Edited {
    /// The files whose bytes change.
    pub fn changes(&self) -> impl Iterator<Item = &FileEdit> {
        self.files.iter().filter(|f| f.action != Action::Unchanged)
    }

    /// This where it changes a file; a draft that changes nothing is refused.
    ///
    /// # Errors
    /// One refusal with the code `unchanged`.
    pub fn changing(self) -> Result<Edited, Vec<Refusal>> {
        if self.changes().next().is_some() {
            return Ok(self);
        }
        let why = "the reply changes nothing: the files already are like that";
        Err(vec![Refusal::new(Code::Unchanged, None, why)])
    }
}

/// What becomes of one file that a reply edits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileEdit {
    /// Which file.
    pub path: RepoPath,
    /// What is to be done to it.
    pub action: Action,
    /// The file that is moved here, whose mode it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<RepoPath>,
    /// Its new bytes; none where it is deleted.
    #[serde(skip)]
    pub new: Option<Vec<u8>>,
    /// How each edit was applied, in the reply's order.
    pub edits: Vec<Applied>,
}

/// What is to be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is there and gets other bytes.
    Modify,
    /// It is not there yet.
    Create,
    /// It goes away.
    Delete,
    /// It already is as the reply has it.
    Unchanged,
}

/// How one edit was applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The first line in the old file, from 1.
    pub line: usize,
    /// What had to be forgiven.
    pub kind: Kind,
    /// How alike the lines are that were searched for and found, up to 1; none where they are the same but for white
    /// space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

/// How well an edit fits, from the best to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Byte for byte.
    Exact,
    /// But for CR LF and LF.
    LineEnds,
    /// But for white space at the end of lines.
    Trailing,
    /// But for an indentation that all lines share; the new lines are shifted alike.
    Indent,
    /// But for blank lines that one side lacks.
    BlankLines,
    /// Around a line of dots that stands for lines of the file.
    Elision,
    /// Nearly: some lines are only like those of the file.
    Similar,
    /// The whole file is given.
    Whole,
    /// The file is deleted.
    Deleted,
    /// The file goes away under this name and comes back under another.
    Moved,
    /// It is there already.
    Unchanged,
}

/// Something that is allowed and should be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// Which file.
    pub path: RepoPath,
    /// One line for the person who accepts.
    pub message: String,
}
