//! The real binary, killed: by `kill -9` at any moment, at each of its writes, with the power cut, and on a disk that
//! fails; then started again, and what it had said before held against what is there.
//!
//! Needs Linux with glibc, and a C compiler for the layer under the files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod batches;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod check;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod corruption;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod deaths;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod faults;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod history;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod load;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod loops;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod printed;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod random;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod rounds;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod server;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod settings;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod shim;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod soak;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod stops;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod trial;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod wire;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod world;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[test]
fn nothing_was_checked_because_these_tests_need_linux_with_glibc() {
    eprintln!("SKIPPED: no crash and no fault of a disk was tried on this system");
}
