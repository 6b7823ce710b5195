//! The shim by itself, under a program that writes what it is told: what is lost, what stays, what fails.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Fault, Number, Power, Shim, When, compiled};

/// The files of a program that runs under the shim.
struct Stage {
    folder: TempDir,
    shim: Shim,
}

impl Stage {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let watched = folder.path().join("watched");
        std::fs::create_dir(&watched).unwrap();
        let shim = Shim::new(&watched, folder.path());
        Self { folder, shim }
    }

    fn start(&self, steps: &str) -> Child {
        Command::new(compiled("crash-victim", &[], &["victim.c"]))
            .args(steps.split_whitespace())
            .current_dir(self.folder.path().join("watched"))
            .envs(self.shim.environment())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the steps to their end; returns how they ended and what failed.
    fn run(&self, steps: &str) -> (ExitStatus, String) {
        let output = self.start(steps).wait_with_output().unwrap();
        assert!(self.shim.get(Number::Loaded) > 0, "the shim was loaded");
        (output.status, String::from_utf8(output.stdout).unwrap())
    }

    /// Runs steps that the process dies of.
    #[track_caller]
    fn die(&self, steps: &str) {
        let (status, _) = self.run(steps);
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    }

    /// Runs the steps and then cuts the power.
    fn cut_after(&self, steps: &str) {
        let mut child = self.start(&format!("{steps} wait"));
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "waiting");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::USR2).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    }

    /// The files that are there and what is in them.
    fn files(&self) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(self.folder.path().join("watched")).unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        };
        entries.map(read).collect()
    }

    fn counts(&self, numbers: &[Number]) -> Vec<u64> {
        numbers
            .iter()
            .map(|number| self.shim.get(*number))
            .collect()
    }
}

fn files<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into()
}

#[test]
fn what_is_done_to_the_files_is_counted() {
    let stage = Stage::new();
    let (status, failed) = stage
        .run("open a write 0 four append five! sync size 2 rename a b open b-wal sync remove b");
    assert!(status.success() && failed.is_empty(), "{failed}");
    let numbers = [
        Number::Writes,
        Number::WrittenBytes,
        Number::Syncs,
        Number::WalSyncs,
        Number::Resizes,
        Number::Names,
        Number::Points,
        Number::Failed,
    ];
    assert_eq!(stage.counts(&numbers), [2, 9, 2, 1, 1, 4, 9, 0]);
    assert_eq!(stage.files(), files([("b-wal", "")]));
}

#[test]
fn a_file_that_gets_the_number_of_one_that_is_gone_is_told_apart_from_it() {
    let stage = Stage::new();
    stage.run("open a close remove a open b-wal sync");
    assert_eq!(stage.counts(&[Number::WalSyncs]), [1]);
}

#[test]
fn a_program_without_the_directory_of_the_shim_is_left_alone() {
    let stage = Stage::new();
    stage.shim.fail(Some(Fault::ReadOnly));
    let (status, failed) = stage.run("open ../elsewhere write 0 text sync");
    assert!(status.success() && failed.is_empty(), "{failed}");
    assert_eq!(stage.counts(&[Number::Points, Number::Failed]), [0, 0]);
}

#[test]
fn a_process_dies_before_after_or_in_the_middle_of_a_write() {
    for (when, left) in [
        (When::Before, "first"),
        (When::Halfway, "firstsec"),
        (When::After, "firstsecond"),
    ] {
        let stage = Stage::new();
        stage.run("open a write 0 first");
        stage.shim.reset();
        stage.shim.die_at(1, when);
        stage.die("open a append second append third");
        assert_eq!(stage.files(), files([("a", left)]), "{when:?}");
    }
}

#[test]
fn every_kind_of_call_is_a_point_to_die_at() {
    for (steps, left) in [
        ("open b write 0 more", files([("a", "text")])),
        ("open a size 1", files([("a", "text")])),
        ("open a sync size 1", files([("a", "text")])),
        ("remove a", files([("a", "text")])),
        ("rename a b", files([("a", "text")])),
    ] {
        let stage = Stage::new();
        stage.run("open a write 0 text");
        stage.shim.reset();
        stage.shim.die_at(1, When::Before);
        stage.die(steps);
        assert_eq!(stage.files(), left, "{steps}");
    }
}

#[test]
fn a_power_cut_takes_back_what_was_not_synced() {
    let stage = Stage::new();
    stage.shim.lose(Power::LosesAll, 0);
    stage.cut_after("open a write 0 abcdef sync write 2 XY append tail size 1 write 0 Q");
    assert_eq!(stage.files(), files([("a", "abcdef")]));
    assert_eq!(
        stage.counts(&[Number::LostWrites, Number::LostNames]),
        [4, 0]
    );
}

#[test]
fn what_was_synced_survives_a_power_cut() {
    let stage = Stage::new();
    stage.shim.lose(Power::LosesAll, 0);
    stage.cut_after("open a write 0 abcdef write 2 XY size 5 sync");
    assert_eq!(stage.files(), files([("a", "abXYe")]));
    assert_eq!(
        stage.counts(&[Number::LostWrites, Number::LostNames]),
        [0, 0]
    );
}

#[test]
fn a_process_that_dies_while_the_power_stays_leaves_what_it_wrote() {
    let stage = Stage::new();
    stage.cut_after("open a write 0 abcdef");
    assert_eq!(stage.files(), files([("a", "abcdef")]));
}

#[test]
fn names_are_lost_until_their_file_or_their_directory_is_synced() {
    let before = "open kept write 0 1 sync open moved write 0 2 sync open target write 0 3 sync";
    let after = "open new write 0 4 remove kept rename moved target";
    let lost = Stage::new();
    lost.shim.lose(Power::LosesAll, 0);
    lost.cut_after(&format!("{before} sync-directory {after}"));
    let old = files([("kept", "1"), ("moved", "2"), ("target", "3")]);
    assert_eq!(lost.files(), old);
    assert_eq!(lost.counts(&[Number::LostNames]), [3]);
    let safe = Stage::new();
    safe.shim.lose(Power::LosesAll, 0);
    safe.cut_after(&format!(
        "{before} sync-directory {after} open new sync sync-directory"
    ));
    assert_eq!(safe.files(), files([("new", "4"), ("target", "2")]));
}

#[test]
fn a_power_cut_can_come_at_a_write_point() {
    let stage = Stage::new();
    stage.shim.lose(Power::LosesAll, 0);
    stage.shim.die_at(4, When::After);
    stage.die("open a write 0 one sync append two sync");
    assert_eq!(
        stage.files(),
        files([("a", "one")]),
        "the fourth point is the second write"
    );
    let stage = Stage::new();
    stage.shim.lose(Power::LosesAll, 0);
    stage.shim.die_at(5, When::After);
    stage.die("open a write 0 one sync append two sync");
    assert_eq!(
        stage.files(),
        files([("a", "onetwo")]),
        "the fifth is its sync"
    );
}

#[test]
fn a_power_cut_can_tear_writes_at_sectors_and_the_same_seed_tears_the_same() {
    let (old, new) = ("o".repeat(4096), "n".repeat(4096));
    let cut = |seed| {
        let stage = Stage::new();
        stage.shim.lose(Power::LosesSome, seed);
        stage.cut_after(&format!("open a write 0 {old} sync write 0 {new}"));
        stage.files()["a"].clone()
    };
    let images: Vec<_> = (0..20).map(cut).collect();
    for image in &images {
        let sectors: Vec<_> = image.as_bytes().chunks(512).collect();
        let is_whole = |sector: &&[u8]| sector.iter().all(|byte| *byte == sector[0]);
        assert!(
            sectors.len() == 8 && sectors.iter().all(is_whole),
            "{image}"
        );
    }
    let torn = images
        .iter()
        .filter(|image| ***image != old && ***image != new);
    assert!(torn.count() >= 10, "half of the cuts tear the write");
    assert_eq!(images[7], cut(7));
}

#[test]
fn a_full_disk_cuts_the_last_write_short_and_takes_no_new_file() {
    let stage = Stage::new();
    stage.run("open a");
    stage.shim.fail(Some(Fault::Full { room: 6 }));
    let (_, failed) = stage.run("open a write 0 four append five append six sync open b");
    let full = rustix::io::Errno::NOSPC.raw_os_error();
    assert_eq!(failed, format!("append: {full}\nopen: {full}\n"));
    assert_eq!(stage.files(), files([("a", "fourfi")]));
    stage.shim.fail(None);
    assert_eq!(stage.run("open a append six").1, "");
    assert_eq!(stage.files(), files([("a", "fourfisix")]));
}

#[test]
fn a_read_only_disk_and_a_broken_one_refuse_writes_and_syncs() {
    for (fault, errno, opens) in [
        (Fault::ReadOnly, rustix::io::Errno::ROFS, false),
        (Fault::Broken, rustix::io::Errno::IO, true),
    ] {
        let stage = Stage::new();
        stage.run("open a write 0 text");
        stage.shim.fail(Some(fault));
        let errno = errno.raw_os_error();
        let (_, failed) = stage.run("open a");
        assert_eq!(failed.is_empty(), opens, "{fault:?}: {failed}");
        let (_, failed) = stage.run("open a write 0 more size 0 sync");
        let expected = ["write", "size", "sync"].map(|step| format!("{step}: {errno}\n"));
        if opens {
            assert_eq!(failed, expected.concat(), "{fault:?}");
        }
        assert_eq!(stage.files(), files([("a", "text")]), "{fault:?}");
    }
}

#[test]
fn a_sync_takes_as_long_as_it_is_told_and_ends_when_it_is_told_otherwise() {
    let stage = Stage::new();
    stage.shim.set(Number::SyncDelayMs, 3_600_000);
    let mut child = stage.start("open a write 0 text sync");
    while stage.shim.get(Number::Writes) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(child.try_wait().unwrap(), None);
    stage.shim.set(Number::SyncDelayMs, 0);
    assert!(child.wait().unwrap().success());
    assert_eq!(stage.shim.get(Number::Syncs), 1);
}
