//! What numbers were measured on. In: what the operating system tells. Out: a line or two for a report; no names of people, hosts or folders.

use std::fmt;
use std::fs;
use std::thread;

/// A machine, as far as it bears on how fast something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The processor's model; none where the system does not tell.
    pub processor: Option<String>,
    /// How many threads run at a time.
    pub threads: usize,
    /// Main memory in bytes.
    pub memory: Option<u64>,
    /// Operating system and instruction set.
    pub system: String,
    /// What else computes, such as a GPU; the caller knows.
    pub accelerator: Option<String>,
}

impl Machine {
    /// The machine that this runs on.
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            threads: thread::available_parallelism().map_or(1, usize::from),
            memory: field(&read("/proc/meminfo"), "MemTotal").and_then(|size| kibibytes(&size)),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            accelerator: None,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(processor) = &self.processor {
            write!(f, "{processor}, ")?;
        }
        write!(f, "{} threads", self.threads)?;
        if let Some(memory) = self.memory {
            write!(f, ", {:.1} GiB", memory as f64 / f64::from(1 << 30))?;
        }
        write!(f, ", {}", self.system)?;
        self.accelerator.as_ref().map_or(Ok(()), |accelerator| write!(f, ", {accelerator}"))
    }
}

/// The first value of a name in lines of `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?.1;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn kibibytes(size: &str) -> Option<u64> {
    size.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|size| size * 1024)
}

#[cfg(test)]
mod tests {
    use super::{Machine, field, kibibytes};

    #[test]
    fn what_linux_tells_is_read() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: Another\nflags\t\t:\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU @ 2 GHz"));
        assert_eq!((field(text, "flags"), field(text, "model")), (None, None));
        assert_eq!((kibibytes("2048 kB"), kibibytes("2048")), (Some(2 << 20), None));
    }

    #[test]
    fn it_is_told_in_a_line() {
        let machine = Machine {
            processor: Some("A CPU".into()),
            threads: 2,
            memory: Some(3 << 29),
            system: "linux x86_64".into(),
            accelerator: None,
        };
        assert_eq!(machine.to_string(), "A CPU, 2 threads, 1.5 GiB, linux x86_64");
        assert!(Machine::here().threads > 0);
    }
}
