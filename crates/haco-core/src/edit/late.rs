//! An edit of what an earlier edit of the same reply brings: it is held against the file as that one leaves it.

use super::build::refusal;
use super::change::File;
use super::piece::{self, Placed, Text};
use super::place::{Fit, Index};
use super::raw::{Change, Raw};
use super::splice::{spliced, splices};
use super::text::Piece;
use super::{Applied, Kind, Refusal};
use crate::code::Code;
use std::borrow::Cow;

/// The file with `change` made in it, which must fit one place with a new line in it.
pub(super) fn put<'a>(
    raw: &Raw,
    change: &Change<'a>,
    pieces: Vec<Piece<'a>>,
    file: &File<'a>,
) -> Result<(Vec<Piece<'a>>, Applied), Vec<Refusal>> {
    let lines: Vec<Cow<str>> = pieces.iter().map(|p| said(p, file)).collect();
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    let fits = Index::new(&lines).fits(&change.old(), raw.is_diff()).unwrap_or_default();
    let refuse = |code, why: String| Err(vec![refusal(raw, code, why)]);
    let path = file.path;
    let fit = match fits.as_slice() {
        [one] => one,
        [] => {
            let why = format!("edit {} is neither in '{path}' as it is nor as the edits before leave it", raw.n);
            return refuse(Code::NotFound, why);
        }
        many => {
            let why = format!("edit {} fits {} places of '{path}' as the edits before leave it", raw.n, many.len());
            return refuse(Code::Ambiguous, why);
        }
    };
    let line = old_line(&pieces, fit);
    let Some(splices) = splices(0, fit, &change.body) else {
        return refuse(Code::NotFound, format!("edit {} fits '{path}' but for its indentation", raw.n));
    };
    let applied = Applied { line, kind: fit.kind, similarity: None };
    Ok((spliced(pieces, splices), applied))
}

/// The file with one piece of text in place of another, which it must have once, or as often as it is meant, as the edits before leave it.
pub(super) fn put_text<'a>(
    raw: &Raw,
    text: Text<'a>,
    pieces: Vec<Piece<'a>>,
    file: &File<'a>,
) -> Result<(Vec<Piece<'a>>, Applied), Vec<Refusal>> {
    let lines: Vec<Cow<str>> = pieces.iter().map(|p| said(p, file)).collect();
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    match piece::place(0, raw, text, &lines).map_err(|refusal| vec![refusal])? {
        Placed::Here(splice) => {
            let applied = Applied { line: splice.start + 1, kind: Kind::Exact, similarity: None };
            Ok((spliced(pieces, vec![splice]), applied))
        }
        _ => {
            let why = format!("edit {} touches what an earlier one changes in '{}'", raw.n, file.path);
            Err(vec![refusal(raw, Code::Overlap, why)])
        }
    }
}

fn said<'l>(piece: &'l Piece, file: &File<'l>) -> Cow<'l, str> {
    match piece {
        Piece::Kept(i) => Cow::Borrowed(file.lines()[*i]),
        Piece::New(line) => Cow::Borrowed(line.as_ref()),
    }
}

/// The line of the old file at or before which the edit begins, from 1.
fn old_line(pieces: &[Piece], fit: &Fit) -> usize {
    let kept = |p: &Piece| if let Piece::Kept(i) = p { Some(i + 1) } else { None };
    pieces[..fit.first()].iter().rev().find_map(kept).unwrap_or(1)
}
