//! Delivers what is in the store's outbox: builds' events, to webhooks and chats. At least once, each
//! under an id that stays the same, so that a receiver can drop doubles; in whatever order receivers
//! are there for.

mod attempt;
mod deliverer;
mod message;

pub use deliverer::{Deliverer, Describe, Settings};
