//! Owns where a server keeps what it is told, and for how long: the flags, each with its variable, its default and the
//! reason for that default, and the plain values that are made of them.
//!
//! It must never know how anything is stored.

use std::time::Duration;

use clap::{Args, builder::BoolishValueParser};

use super::{Age, ByteSize};

/// Where sessions, runs and events are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageConfig {
    /// In the data folder.
    Durable {
        /// Whether accepted runs go on as soon as the server has started, or when their workspace is next used.
        resume_queued: bool,
        /// What is kept of the event logs.
        retention: Retention,
    },
    /// In memory: nothing survives the process.
    Memory,
}

impl StorageConfig {
    /// Whether accepted runs go on as soon as the server has started.
    #[must_use]
    pub fn resumes_queued(&self) -> bool {
        match self {
            Self::Durable { resume_queued, .. } => *resume_queued,
            Self::Memory => false,
        }
    }
}

/// What is kept of the event logs; sessions, messages and runs stay until somebody deletes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// No event longer than this.
    pub age: Duration,
    /// No more bytes than this for each workspace.
    pub workspace_bytes: u64,
    /// No more bytes than this in all.
    pub total_bytes: u64,
}

/// The flags of `serve` that are about storage.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// Keeps sessions, runs and events in memory only, for a trial or a test: nothing survives the process.
    ///
    /// Off by default: a prompt that is accepted ends, also when the server is killed meanwhile.
    #[arg(long, env = "RUNWRIGHT_IN_MEMORY", value_parser = BoolishValueParser::new(), conflicts_with = "resume_queued")]
    pub in_memory: bool,

    /// Goes on at once with prompts that were accepted before the last stop and had not started.
    ///
    /// Off by default: they run when their workspace is next used, so that nothing works in a directory while nobody
    /// watches.
    #[arg(long, env = "RUNWRIGHT_RESUME_QUEUED", value_parser = BoolishValueParser::new())]
    pub resume_queued: bool,

    /// Keeps events this long.
    ///
    /// 30 days bring a client that was away for a month back to where it was. Who comes later is told of the gap and reads
    /// sessions, messages and runs, which stay until they are deleted.
    #[arg(
        long,
        value_name = "AGE",
        env = "RUNWRIGHT_RETAIN_EVENTS_FOR",
        default_value = "30d"
    )]
    pub retain_events_for: Age,

    /// Keeps no more events than this for each workspace.
    ///
    /// 64 MiB are some 100,000 events of an ordinary size: weeks of one team.
    #[arg(
        long,
        value_name = "SIZE",
        env = "RUNWRIGHT_RETAIN_WORKSPACE_EVENTS",
        default_value = "64MiB"
    )]
    pub retain_workspace_events: ByteSize,

    /// Keeps no more events than this in all.
    ///
    /// 1 GiB bounds what a server with many workspaces takes of a disk, whoever uses it.
    #[arg(
        long,
        value_name = "SIZE",
        env = "RUNWRIGHT_RETAIN_EVENTS",
        default_value = "1GiB"
    )]
    pub retain_events: ByteSize,
}

impl From<StorageArgs> for StorageConfig {
    fn from(args: StorageArgs) -> Self {
        if args.in_memory {
            return Self::Memory;
        }
        Self::Durable {
            resume_queued: args.resume_queued,
            retention: Retention {
                age: args.retain_events_for.duration(),
                workspace_bytes: args.retain_workspace_events.0,
                total_bytes: args.retain_events.0,
            },
        }
    }
}
