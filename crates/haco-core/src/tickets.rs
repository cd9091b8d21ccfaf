//! Many tickets, by id: each lies where it was read, because ten thousand of them are sorted and handed on for one list.

use crate::{id::TicketId, ticket::Ticket};
use std::{
    collections::{BTreeMap, btree_map},
    ops::Index,
};

/// Tickets by id, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tickets(BTreeMap<TicketId, Box<Ticket>>);

impl Tickets {
    /// The ticket `id`, where it is among them.
    pub fn get(&self, id: &TicketId) -> Option<&Ticket> {
        self.0.get(id).map(Box::as_ref)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &TicketId) -> Option<&mut Ticket> {
        self.0.get_mut(id).map(Box::as_mut)
    }

    /// Whether `id` is among them.
    pub fn contains_key(&self, id: &TicketId) -> bool {
        self.0.contains_key(id)
    }

    /// Puts `ticket` in the place of the one with its id.
    pub fn insert(&mut self, ticket: Box<Ticket>) {
        self.0.insert(ticket.id.clone(), ticket);
    }

    /// Every id.
    pub fn keys(&self) -> btree_map::Keys<'_, TicketId, Box<Ticket>> {
        self.0.keys()
    }

    /// Every ticket.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Ticket> + Clone {
        self.0.values().map(Box::as_ref)
    }

    /// Every ticket, given away.
    pub fn into_values(self) -> impl Iterator<Item = Ticket> {
        self.0.into_values().map(|ticket| *ticket)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A ticket that is known to be among them.
impl Index<&TicketId> for Tickets {
    type Output = Ticket;

    fn index(&self, id: &TicketId) -> &Ticket {
        &self.0[id]
    }
}

impl FromIterator<Box<Ticket>> for Tickets {
    fn from_iter<I: IntoIterator<Item = Box<Ticket>>>(all: I) -> Tickets {
        Tickets(all.into_iter().map(|ticket| (ticket.id.clone(), ticket)).collect())
    }
}

impl FromIterator<Ticket> for Tickets {
    fn from_iter<I: IntoIterator<Item = Ticket>>(all: I) -> Tickets {
        all.into_iter().map(Box::new).collect()
    }
}

impl Extend<Ticket> for Tickets {
    fn extend<I: IntoIterator<Item = Ticket>>(&mut self, all: I) {
        all.into_iter().for_each(|ticket| self.insert(Box::new(ticket)));
    }
}
