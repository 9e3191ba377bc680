//! Plans: how much of a machine a build may use.

use serde::{Deserialize, Serialize};

/// A plan's id says what it is: `nf-compute-200-8` is 2 vCPU (in hundredths) and 8 GB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The id that services name.
    pub id: String,
    /// CPU in hundredths of a core.
    pub cpu_hundredths: u32,
    /// Memory in megabytes.
    pub memory_mb: u64,
}

impl Plan {
    fn new(id: &str, cpu_hundredths: u32, memory_mb: u64) -> Plan {
        Plan {
            id: id.to_owned(),
            cpu_hundredths,
            memory_mb,
        }
    }

    /// The plans every server knows unless its operator configures others, small to large.
    pub fn published() -> Vec<Plan> {
        vec![
            Plan::new("nf-compute-10", 10, 256),
            Plan::new("nf-compute-20", 20, 512),
            Plan::new("nf-compute-50", 50, 1024),
            Plan::new("nf-compute-100-2", 100, 2048),
            Plan::new("nf-compute-100-4", 100, 4096),
            Plan::new("nf-compute-200", 200, 4096),
            Plan::new("nf-compute-200-8", 200, 8192),
            Plan::new("nf-compute-400", 400, 8192),
            Plan::new("nf-compute-400-16", 400, 16384),
            Plan::new("nf-compute-800-8", 800, 8192),
            Plan::new("nf-compute-800-16", 800, 16384),
            Plan::new("nf-compute-800-32", 800, 32768),
            Plan::new("nf-compute-1200-24", 1200, 24576),
            Plan::new("nf-compute-1600-32", 1600, 32768),
        ]
    }

    /// Whether a machine with this much can ever hold the plan.
    pub fn fits(&self, cpu_hundredths: u32, memory_mb: u64) -> bool {
        self.cpu_hundredths <= cpu_hundredths && self.memory_mb <= memory_mb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_are_there() {
        let plans = Plan::published();
        let plan = |id: &str| plans.iter().find(|p| p.id == id).cloned().unwrap();
        assert_eq!(plan("nf-compute-20").cpu_hundredths, 20);
        assert_eq!(plan("nf-compute-20").memory_mb, 512);
        assert!(plan("nf-compute-200-8").fits(200, 8192));
        assert!(!plan("nf-compute-200-8").fits(100, 8192));
    }
}
