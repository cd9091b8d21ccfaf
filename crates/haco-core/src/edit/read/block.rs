//! SEARCH/REPLACE blocks in a reply: what each says, and which file it is about.

use super::super::Format;
use super::super::blocks::{self, Block};
use super::super::names::Named;
use super::super::raw::{Change, Op};
use super::{Near, Reader};
use crate::code::Code;

impl<'r, 'a> Reader<'r, 'a> {
    /// A SEARCH/REPLACE block at the current line.
    pub(super) fn block(&mut self, no: usize, behind: &'a str) {
        let block = blocks::parse(&self.lines[self.at..]);
        let named = self.name_of_block(behind);
        self.near = Near::default();
        match block {
            Block::NoEnd => {
                self.out.refuse(Code::TruncatedEdit, None, no, "the reply ends inside a SEARCH/REPLACE block");
                self.at = self.lines.len();
                self.inside = None;
            }
            Block::Bad { why, used } => {
                self.out.refuse(Code::BadEdit, None, no, why);
                self.at += used;
            }
            Block::Good { old, new, used } => {
                self.at += used;
                let op = Op::Change(change(&old, &new));
                self.push(named, no, Format::SearchReplace, vec![(no, op)]);
            }
        }
    }

    /// The nearest name wins; then the last file that was edited; then the only target.
    fn name_of_block(&self, behind: &str) -> Option<Named> {
        let outer = self.inside.as_ref();
        let prose = |line: Option<&str>| line.and_then(|l| self.names.in_prose(l)).filter(|n| *n != Named::Mention);
        let behind = behind.trim_matches(['<', ' ', '`']);
        (!behind.is_empty())
            .then(|| self.names.resolve(behind))
            .or_else(|| prose(self.near.above))
            .or_else(|| outer.and_then(|i| self.names.in_info(i.fence.info)))
            .or_else(|| outer.and_then(|i| prose(i.outer.above)))
            .or_else(|| prose(self.near.title))
            .or_else(|| outer.and_then(|i| prose(i.outer.title)))
            .or_else(|| self.last.clone().map(Named::In))
            .or_else(|| self.names.only_target().cloned().map(Named::In))
    }
}

/// A change from a block, with the line number that some agents ask for on the first lines of the old text.
fn change<'a>(old: &[&'a str], new: &[&'a str]) -> Change<'a> {
    let number = old.first().and_then(|l| l.trim().strip_prefix(":start_line:")).and_then(|n| n.trim().parse().ok());
    let rule = |l: &&str| !l.is_empty() && l.len() >= 5 && l.bytes().all(|b| b == b'-');
    let lead = match number {
        Some(_) => old.iter().take(4).position(rule).map_or(1, |i| i + 1),
        None => 0,
    };
    Change { at: number, ..Change::of(blocks::paired(&old[lead..], new)) }
}
