//! Paths inside a repository, checked once.
