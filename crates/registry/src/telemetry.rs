//! What the registry counts for whoever watches the service.

use metrics::counter;

/// So much content of a blob came in.
pub(crate) fn got(bytes: usize) {
    counter!("boatyard_registry_bytes_total", "direction" => "in").increment(bytes as u64);
}

/// So much content of a blob went out.
pub(crate) fn gave(bytes: usize) {
    counter!("boatyard_registry_bytes_total", "direction" => "out").increment(bytes as u64);
}
