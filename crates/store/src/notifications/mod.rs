//! Notifications: the integrations of a team, and the outbox of what they are told.

mod deliveries;
mod integrations;
mod ledger;
mod outbox;
mod receiver;

pub use deliveries::Delivery;
pub use ledger::{DeliveryEntry, DeliveryState};
pub(crate) use outbox::note;
