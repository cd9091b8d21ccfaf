//! Whether the lines that an edit brings have a certain place among lines that were found, some of them not at all.

use super::raw::{Body, Tag};

/// Whether a diff has a line of context inside that the file lacks: a new line may have lost its mark.
pub(super) fn loses(old: &[(Tag, &str)], at: &[Option<usize>]) -> bool {
    let first = at.iter().position(Option::is_some).unwrap_or(0);
    let last = at.iter().rposition(Option::is_some).unwrap_or(0);
    let lacks = |k: usize| at[k].is_none() && !old[k].1.trim().is_empty();
    let beside_gone = |k: usize| {
        let gone = |n: Option<usize>| n.and_then(|n| old.get(n)).is_some_and(|(tag, _)| *tag == Tag::Old);
        gone(k.checked_sub(1)) || gone(Some(k + 1))
    };
    (0..old.len()).any(|k| lacks(k) && ((first < k && k < last) || beside_gone(k)))
}

/// For each run of new lines the old lines on either side of it, as indices among the old lines.
pub(super) fn beside_new(body: &Body, at: &[Option<usize>]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut k = 0;
    for (n, (tag, _)) in body.iter().enumerate() {
        if *tag == Tag::New {
            if n > 0 && body[n - 1].0 != Tag::New && at[k - 1].is_some() {
                out.push(k - 1);
            }
            if body.get(n + 1).is_some_and(|(t, _)| *t != Tag::New) && at[k].is_some() {
                out.push(k);
            }
        } else {
            k += 1;
        }
    }
    out
}

/// Whether each run of lines that is only new has its place: between two lines that touch in the file, or beside one
/// where the edit has no more on the other side.
pub(super) fn seated(body: &Body, at: &[Option<usize>], is_diff: bool) -> bool {
    let mut k = 0;
    let mut n = 0;
    while n < body.len() {
        if body[n].0 != Tag::New {
            (k, n) = (k + 1, n + 1);
            continue;
        }
        let end = (n..body.len()).find(|i| body[*i].0 != Tag::New).unwrap_or(body.len());
        let replaces = (n > 0 && body[n - 1].0 == Tag::Old) || body.get(end).is_some_and(|(t, _)| *t == Tag::Old);
        let before = at[..k].iter().rev().zip(body[..n].iter().rev()).find_map(|(a, _)| *a);
        let after = at[k..].iter().find_map(|a| *a);
        let touching = |side: Option<&Option<usize>>| side.is_some_and(Option::is_some);
        let extra = |n: Option<usize>, k: Option<usize>| {
            let line = n.and_then(|n| body.get(n)).filter(|(tag, l)| *tag == Tag::Both && !l.trim().is_empty());
            line.is_some() && k.and_then(|k| at.get(k)).is_some_and(Option::is_none)
        };
        let firm = match (before, after) {
            _ if (is_diff || !replaces) && (extra(n.checked_sub(1), k.checked_sub(1)) || extra(Some(end), Some(k))) => {
                false
            }
            _ if replaces => true,
            (Some(b), Some(a)) => {
                (touching(k.checked_sub(1).and_then(|k| at.get(k))) || touching(at.get(k))) && b + 1 == a
            }
            (Some(_), None) => k == at.len() && touching(at.last()),
            (None, Some(_)) => k == 0 && touching(at.first()),
            (None, None) => false,
        };
        if !firm {
            return false;
        }
        n = end;
    }
    true
}
