//! Running programs of another processor architecture: by qemu, which the kernel starts for them when
//! it was told to (`binfmt_misc`).

use std::fs;
use std::path::Path;

use crate::find_program;

/// Where the kernel tells for whom it starts whom, and is told.
pub const BINFMT: &str = "/proc/sys/fs/binfmt_misc";
/// Kernels from here on can be told so for a namespace of users alone.
const PER_NAMESPACE: (u32, u32) = (6, 7);

/// How programs of another architecture come to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Emulation {
    /// The kernel starts an emulator for every process of the machine.
    OfMachine,
    /// The kernel can be told so for a namespace of users, with this line in its own [`BINFMT`].
    OfNamespace(String),
}

/// How programs of this architecture, by its name in `uname -m`, run on this machine of another one.
///
/// # Errors
/// What is missing, and how to get it.
pub fn emulation(architecture: &str) -> Result<Emulation, String> {
    let number = elf_number(architecture)
        .ok_or_else(|| format!("programs for {architecture} are not known here"))?;
    if registered(Path::new(BINFMT), number) {
        return Ok(Emulation::OfMachine);
    }
    let name = format!("qemu-{architecture}-static");
    let program = find_program(&name).ok_or_else(|| {
        format!("{name} is not installed. Get it with: apt-get install qemu-user-static")
    })?;
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy();
    if kernel(&release) < Some(PER_NAMESPACE) || !filesystems.contains("binfmt_misc") {
        return Err(format!(
            "{name} is installed, and has to be registered with {BINFMT} and the flag F: \
             the kernel {release} cannot be told for a build alone"
        ));
    }
    Ok(Emulation::OfNamespace(line(number, &program)))
}

/// The number of a 64-bit, little-endian architecture in the header of its programs.
fn elf_number(architecture: &str) -> Option<u8> {
    match architecture {
        "x86_64" => Some(0x3e),
        "aarch64" => Some(0xb7),
        _ => None,
    }
}

/// Whether an emulator is registered that is found from within any container, too: opened
/// beforehand (`F`).
fn registered(folder: &Path, number: u8) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let mut texts = entries.flatten().filter_map(|entry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        text.starts_with("enabled").then_some(text)
    });
    texts.any(|text| {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let opened = value("flags: ").is_some_and(|flags| flags.contains('F'));
        let magic = value("magic ").unwrap_or_default();
        let header = magic.starts_with("7f454c460201");
        opened && header && magic.get(36..40) == Some(&format!("{number:02x}00"))
    })
}

/// What the kernel is told: for programs with such a header, this one, opened now.
fn line(number: u8, program: &Path) -> String {
    let zeros = r"\x00".repeat(8);
    let ones = r"\xff".repeat(8);
    format!(
        r":boatyard:M::\x7fELF\x02\x01\x01\x00{zeros}\x02\x00\x{number:02x}\x00:\xff\xff\xff\xff\xff\xff\xff\x00{ones}\xfe\xff\xff\xff:{}:F",
        program.display()
    )
}

fn kernel(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut next = || parts.next()?.ok();
    Some((next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_opened_emulator_of_the_architecture_counts() {
        let dir = tempfile::tempdir().unwrap();
        let magic = "magic 7f454c460201010000000000000000000200";
        let write = |text: String| fs::write(dir.path().join("qemu"), text).unwrap();
        assert!(!registered(&dir.path().join("none"), 0xb7));
        for (first, flags, number, counts) in [
            ("enabled", "F", "b700", true),
            ("enabled", "POCF", "b700", true),
            ("enabled", "OC", "b700", false),
            ("disabled", "F", "b700", false),
            ("enabled", "F", "3e00", false),
        ] {
            write(format!(
                "{first}\ninterpreter /q\nflags: {flags}\noffset 0\n{magic}{number}\n"
            ));
            assert_eq!(
                registered(dir.path(), 0xb7),
                counts,
                "{first} {flags} {number}"
            );
        }
    }

    #[test]
    fn kernels_are_compared_as_numbers() {
        assert_eq!(kernel("6.18.44-fc-v595"), Some((6, 18)));
        assert!(kernel("6.1.0-28-amd64") < Some(PER_NAMESPACE));
        assert!(kernel("10.0") > Some(PER_NAMESPACE));
        assert!(kernel("odd") < Some(PER_NAMESPACE));
    }

    #[test]
    fn what_cannot_be_emulated_says_so() {
        assert!(emulation("vax").unwrap_err().contains("vax"));
    }
}
