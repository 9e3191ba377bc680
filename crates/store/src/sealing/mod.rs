//! What is secret is sealed in here, so that no other room sees a sealed value, and opened only for
//! who asks for it. [`column`] lists what is sealed; [`keys`] knows by which keys; [`reseal`] brings
//! everything to the present one.

mod column;
mod compact;
mod keys;
mod plain;
mod reseal;

pub(crate) use column::{
    ACCOUNT_SECRETS, BUILD_SECRETS, GROUP_SECRETS, NOTIFICATION_RECEIVER, PROJECT_URL,
    REGISTRY_LOGIN, SERVICE_SECRETS, VCS_TOKEN,
};
pub use keys::SealedWith;
