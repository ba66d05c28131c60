//! What every graph of Loquat's has to agree on, wherever its triples lie.
//!
//! In: RDF triples, names, messages. Out: facts and descriptions with their ids, folded names. Knows no
//! store, no file format and no endpoint.
//!
//! A triple is **understood** by its predicate ([`vocabulary`], [`triple`]) as a [`statement`], whose digest is the fact's id:
//! the same triple has the same id in the embedded graph and at an endpoint. [`names`] are made for
//! what has none. Names and messages are compared in their folded form ([`mod@fold`]), at the borders of words
//! ([`mod@borders`]), with regard to [`case`].

pub mod borders;
pub mod case;
pub mod fold;
pub mod names;
pub mod statement;
pub mod triple;
pub mod vocabulary;
pub mod wikidata;
