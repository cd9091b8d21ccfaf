//! Git object ids and changes between trees, as stored.
