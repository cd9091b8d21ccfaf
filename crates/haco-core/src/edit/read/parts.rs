//! Envelopes and JSON edits in a reply: each part names its file itself.

use super::super::Format;
use super::super::envelope::{self, Act, Part};
use super::super::json;
use super::super::names::Named;
use super::super::piece::cut;
use super::super::raw::{Fresh, Op, Tail};
use super::{Near, Reader};
use crate::code::Code;

impl<'r, 'a> Reader<'r, 'a> {
    /// The envelope at the current line.
    pub(super) fn envelope(&mut self) {
        let fence = self.inside.as_ref().map(|i| i.fence);
        let envelope = envelope::parse(&self.lines[self.at..], |l| fence.is_some_and(|f| f.closes(l)));
        let no = self.lines[self.at].no;
        self.at += envelope.used.max(1);
        self.near = Near::default();
        if envelope.is_open {
            return self.out.refuse(
                Code::TruncatedEdit,
                None,
                no,
                "the reply ends inside a patch without '*** End Patch'",
            );
        }
        if envelope.parts.is_empty() {
            return self.out.refuse(Code::BadEdit, None, no, "the patch is empty");
        }
        for part in envelope.parts {
            self.part(part);
        }
    }

    fn part(&mut self, part: Part<'a>) {
        let line = part.line;
        let named = Some(self.names.resolve(part.path));
        let ops = match part.act {
            Act::Bad(why) => {
                return self.out.refuse(Code::BadEdit, (!part.path.is_empty()).then_some(part.path), line, why);
            }
            Act::Add { lines } => vec![(line, Op::Whole { lines, tail: Tail::With, fresh: Fresh::Either })],
            Act::Delete => vec![(line, Op::Delete)],
            Act::Update { to, hunks } => {
                let mut ops: Vec<(usize, Op)> = hunks.into_iter().map(|(no, c)| (no, Op::Change(c))).collect();
                match to.map(|to| self.names.resolve(to)) {
                    Some(Named::In(to)) => ops.push((line, Op::Move { to, fresh: Fresh::Either })),
                    Some(bad) => return self.push(Some(bad), line, Format::Patch, Vec::new()),
                    None => {}
                }
                ops
            }
        };
        self.push(named, line, Format::Patch, ops);
    }

    /// The JSON value at the current line.
    pub(super) fn value(&mut self, value: &'a json::Block, no: usize) {
        let above = self.near.above.or_else(|| self.inside.as_ref().and_then(|i| i.outer.above));
        self.at = value.to.max(self.at + 1);
        self.near = Near::default();
        for edit in &value.edits {
            let op = match &edit.act {
                json::Act::Nothing => continue,
                json::Act::Replace { old, new, places } => Op::Text { old, new, places: *places },
                json::Act::Insert { after, new } => Op::Insert { after: *after, lines: cut(new) },
                json::Act::Whole { text } => Op::Whole { lines: cut(text), tail: Tail::Keep, fresh: Fresh::Either },
                json::Act::Delete => Op::Delete,
            };
            let outer = || above.and_then(|l| self.names.in_prose(l)).filter(|n| *n != Named::Mention);
            let named = match &edit.path {
                Some(path) => Some(self.names.resolve(path)),
                None => outer().or_else(|| self.names.only_target().cloned().map(Named::In)),
            };
            self.push(named, no, Format::Json, vec![(no, op)]);
        }
    }
}
