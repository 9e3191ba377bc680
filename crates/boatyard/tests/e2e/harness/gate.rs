//! A step of a Dockerfile that stands still until the test lets it go on. The test reaches it by a
//! signal: that works whatever network, files and processes the step itself can see.

use super::{Place, server::processes, until};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A gate in a RUN step.
pub struct Gate {
    name: String,
}

impl Gate {
    /// A gate that no other test has.
    pub fn new() -> Gate {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Gate {
            name: format!("gate-{}-{count}", std::process::id()),
        }
    }

    /// A RUN step that runs `before`, stands still, and then runs `after`.
    pub fn step(&self, before: &str, after: &str) -> String {
        // What it prints when it is there must not be in its own text, which the log shows first.
        format!(
            "RUN trap 'through=1' USR1; {before}; echo \"$((40+2)) at {}\"; \
             until [ -n \"$through\" ]; do sleep 0.05; done; {after}",
            self.name
        )
    }

    /// Waits until the build stands at the gate.
    pub async fn reached(&self, place: &Place, id: &str) {
        let line = format!("42 at {}", self.name);
        until(&format!("{id} to reach its gate"), async || {
            place.lines(id).await.contains(&line).then_some(())
        })
        .await;
    }

    /// Waits until a step stands at the gate, as the machine sees it: no server is asked.
    pub async fn holds(&self) {
        until(&format!("a step to stand at {}", self.name), async || {
            processes().any(|pid| self.is_shell(pid)).then_some(())
        })
        .await;
    }

    /// The process that stands at the gate, as the machine counts.
    pub fn process(&self) -> u32 {
        processes().find(|pid| self.is_shell(*pid)).unwrap()
    }

    /// Lets the step go on.
    pub fn open(&self) {
        let shells: Vec<_> = processes().filter(|pid| self.is_shell(*pid)).collect();
        assert!(!shells.is_empty(), "nothing stands at {}", self.name);
        for pid in shells {
            let pid = Pid::from_raw(pid as i32).unwrap();
            kill_process(pid, Signal::USR1).unwrap();
        }
    }

    /// The step's own shell; whoever else has its text in the arguments would die of the signal.
    fn is_shell(&self, pid: u32) -> bool {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.starts_with("/bin/sh\0-c\0") && line.contains(&self.name)
    }
}
