//! An edit whose runs of changed lines stand further apart in the file than in the reply: each run is a change of its
//! own, with the context on both sides of it.

use super::raw::{Body, Change, Tag};

/// The runs of a change as changes of their own, in order; none where there is only one.
pub(super) fn split<'a>(change: &Change<'a>) -> Option<Vec<Change<'a>>> {
    let body = &change.body;
    let is_changed = |i: &usize| body[*i].0 != Tag::Both;
    let starts: Vec<usize> = (0..body.len()).filter(|i| is_changed(i) && (*i == 0 || !is_changed(&(i - 1)))).collect();
    if !(2..=RUNS).contains(&starts.len()) {
        return None;
    }
    let end_of = |start: usize| (start..body.len()).find(|i| !is_changed(i)).unwrap_or(body.len());
    let piece = |n: usize| {
        let from = n.checked_sub(1).map_or(0, |before| end_of(starts[before]));
        let to = starts.get(n + 1).copied().unwrap_or(body.len());
        let part: Body = body[from..to].to_vec();
        Change::of(part)
    };
    Some((0..starts.len()).map(piece).collect())
}

/// How many runs an edit is cut into at most.
const RUNS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_keeps_the_context_on_both_sides() {
        use Tag::*;
        let body = vec![(Both, "a"), (Old, "b"), (New, "c"), (Both, "d"), (New, "e"), (Both, "f")];
        let parts = split(&Change::of(body.clone())).expect("two runs");
        assert_eq!(parts[0].body, body[..4]);
        assert_eq!(parts[1].body, body[3..]);
        assert!(split(&Change::of(body[..4].to_vec())).is_none());
    }
}
