//! Unified diffs in a reply: which file each part is about, and what it does to it.

use super::super::Format;
use super::super::fence::Fence;
use super::super::lines::Line;
use super::super::names::{Named, short};
use super::super::raw::{Change, Fresh, Op, Tag, Tail};
use super::super::udiff::{self, FilePatch};
use super::Reader;
use crate::code::Code;
use crate::path::RepoPath;
use std::borrow::Cow;

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn holds_diff(&self, fence: &Fence, body: &[Line]) -> bool {
        let for_diff_file = matches!(self.names.in_info(fence.info), Some(Named::In(p)) if is_diff_file(&p));
        let says_so = matches!(fence.language().as_str(), "diff" | "patch" | "udiff");
        let first = body.iter().position(|l| !l.text.trim().is_empty());
        !for_diff_file && (says_so || first.is_some_and(|i| udiff::starts(&body[i..])))
    }

    /// Every file's part of a fenced diff.
    pub(super) fn diff(&mut self, fence: &Fence<'a>, body: &[Line<'a>]) {
        let mut outer = self.names.in_info(fence.info);
        for line in [self.near.above, self.near.title].into_iter().flatten() {
            outer = outer.or_else(|| self.names.in_prose(line).filter(|n| *n != Named::Mention));
        }
        let mut i = 0;
        while i < body.len() {
            if body[i].text == "-- " {
                return;
            }
            let begins = udiff::starts(&body[i..]) || body[i].text.starts_with(['+', '-', '@']);
            if begins || (body[i].text.starts_with(' ') && !body[i].text.trim().is_empty()) {
                let (patch, used) = udiff::parse(&body[i..], true);
                self.patch(patch, outer.clone());
                i += used;
            } else {
                i += 1;
            }
        }
    }

    /// One file's part of a diff; `outer` names the file where the diff does not.
    pub(super) fn patch(&mut self, patch: FilePatch<'a>, outer: Option<Named>) {
        if let Some((code, why)) = patch.fault {
            let path = patch.new.or(patch.old).as_deref().map(short);
            return self.out.refuse(code, path.as_deref(), patch.line, format!("the diff cannot be taken: {why}"));
        }
        let renamed = patch.new.as_deref().filter(|_| patch.renames).map(|to| self.names.resolve(to));
        let named = match self.name_of_patch(&patch) {
            _ if patch.renames => patch.old.as_deref().map(|from| self.names.resolve(from)),
            Ok(named) => named.or(outer).or_else(|| self.last.clone().map(Named::In)),
            Err(why) => return self.out.refuse(Code::BadEdit, None, patch.line, why),
        };
        let named = named.or_else(|| self.names.only_target().cloned().map(Named::In));
        if let (true, Some(Named::In(path))) = (patch.executable, &named) {
            self.out.executable.push(path.clone());
        }
        let (line, creates, deletes) = (patch.line, patch.creates(), patch.deletes());
        let mut ops: Vec<(usize, Op)> = if creates && !deletes {
            vec![(line, created(patch))]
        } else {
            patch.hunks.into_iter().map(change).collect()
        };
        if let Some(to) = renamed {
            match to {
                Named::In(to) => ops.push((line, Op::Move { to, fresh: Fresh::Yes })),
                bad => return self.push(Some(bad), line, Format::Udiff, Vec::new()),
            }
        }
        if deletes {
            ops.push((line, Op::Delete));
        }
        if ops.is_empty() {
            return self.out.refuse(Code::BadEdit, None, line, "the diff has a header and no hunk");
        }
        self.push(named, line, Format::Udiff, ops);
    }

    /// The one path that both sides of a diff's header name, with or without `a/` and `b/`.
    fn name_of_patch<'p>(&self, patch: &'p FilePatch<'a>) -> Result<Option<Named>, String> {
        let real = |side: &'p Option<Cow<'a, str>>| side.as_deref().filter(|s| *s != "/dev/null");
        let sides = (real(&patch.old), real(&patch.new));
        let (Some(old), Some(new)) = (sides.0.or(sides.1), sides.1.or(sides.0)) else { return Ok(None) };
        let (short_old, short_new) = (old.strip_prefix("a/").unwrap_or(old), new.strip_prefix("b/").unwrap_or(new));
        let mut tries = vec![];
        if short_old == short_new || sides.0.is_none() || sides.1.is_none() {
            tries.push(if sides.1.is_some() { short_new } else { short_old });
        }
        if old == new {
            tries.push(new);
        }
        let named: Vec<Named> = tries.iter().map(|t| self.names.resolve(t)).collect();
        if named.is_empty() {
            let (old, new) = (short(old), short(new));
            return Err(format!("the diff goes from '{old}' to '{new}': a file cannot be renamed by a draft"));
        }
        let good = named.iter().find(|n| matches!(n, Named::In(_)));
        Ok(good.or(named.first()).cloned())
    }
}

fn is_diff_file(path: &RepoPath) -> bool {
    matches!(path.extension().as_str(), "diff" | "patch")
}

fn change<'a>(hunk: udiff::Hunk<'a>) -> (usize, Op<'a>) {
    let anchors = hunk.anchor.into_iter().collect();
    let change = Change { at: hunk.at, tail: hunk.tail, anchors, ..Change::of(hunk.body) };
    (hunk.line, Op::Change(change))
}

/// The new file that a diff from /dev/null holds.
fn created<'a>(patch: FilePatch<'a>) -> Op<'a> {
    let tail = match patch.hunks.last().map(|h| h.tail) {
        Some(Tail::Without) => Tail::Without,
        _ => Tail::With,
    };
    let body = patch.hunks.into_iter().flat_map(|h| h.body).filter(|(tag, _)| *tag != Tag::Old);
    Op::Whole { lines: body.map(|(_, text)| text).collect(), tail, fresh: Fresh::Yes }
}
