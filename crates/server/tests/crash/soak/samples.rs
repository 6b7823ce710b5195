//! What a server takes of the machine, measured from outside.

use std::fmt;

use crate::server::{Site, size_of};

/// One measurement, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) database: u64,
    /// The write-ahead log.
    pub(super) log: u64,
    /// What is resident of the process.
    pub(super) memory: u64,
}

/// All measurements, in their order.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Sample {
    pub(super) fn take(site: &Site, pid: u32) -> Self {
        let database = site.database();
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        Self {
            database: size_of(&database),
            log: size_of(log.as_ref()),
            memory: resident(pid),
        }
    }
}

impl Samples {
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The largest of each.
    pub(super) fn most(&self) -> Sample {
        let larger = |a: Sample, b: &Sample| Sample {
            database: a.database.max(b.database),
            log: a.log.max(b.log),
            memory: a.memory.max(b.memory),
        };
        self.0.iter().fold(Sample::default(), larger)
    }

    /// The mean memory of a quarter of the time: 0 is the first.
    pub(super) fn memory_of_quarter(&self, quarter: usize) -> f64 {
        let length = self.0.len() / 4;
        let samples = &self.0[quarter * length..(quarter + 1) * length];
        samples
            .iter()
            .map(|sample| sample.memory as f64)
            .sum::<f64>()
            / length as f64
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        let (most, last) = (self.most(), self.0.last().copied().unwrap_or_default());
        writeln!(f, "MiB             most    last")?;
        for (name, most, last) in [
            ("database", most.database, last.database),
            ("write-ahead log", most.log, last.log),
            ("memory", most.memory, last.memory),
        ] {
            writeln!(
                f,
                "{name:15} {:6.1}  {:6.1}",
                mib(most as f64),
                mib(last as f64)
            )?;
        }
        let quarters = (0..4).map(|quarter| format!("{:.1}", mib(self.memory_of_quarter(quarter))));
        write!(
            f,
            "memory by quarters of the time: {}",
            quarters.collect::<Vec<_>>().join(", ")
        )
    }
}

/// What is resident of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
