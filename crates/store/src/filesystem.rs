//! Which file systems are refused, because other machines share them: SQLite's write-ahead log needs memory that all
//! its users share, and the lock of the data directory needs `flock`. Knows nothing of a database.

use std::io;
use std::path::Path;

/// Names the network file system that a directory is on, if it is on one.
///
/// FUSE is one word for many file systems; only those that reach other machines are named.
pub(crate) fn network_file_system(directory: &Path) -> io::Result<Option<String>> {
    #[cfg(target_os = "linux")]
    {
        let directory = directory.canonicalize()?;
        let magic = rustix::fs::statfs(&directory)?.f_type;
        if let Some(name) = by_magic(magic) {
            return Ok(Some(name.to_owned()));
        }
        // Where the table of mounts cannot be read there is nothing to go by but the number.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Ok(mounted_type(&mounts, &directory)
            .filter(|name| is_network_type(name))
            .map(str::to_owned))
    }
    #[cfg(not(target_os = "linux"))]
    {
        directory.canonicalize().map(|_| None)
    }
}

/// The numbers are those of `statfs(2)`.
#[cfg(any(target_os = "linux", test))]
fn by_magic(magic: impl TryInto<i64>) -> Option<&'static str> {
    // Only 32 bits count: some kernels extend the sign of the larger ones.
    let magic = magic.try_into().ok()? & 0xFFFF_FFFF;
    match magic {
        0x6969 => Some("nfs"),
        0x517B => Some("smb"),
        0xFF53_4D42 => Some("cifs"),
        0xFE53_4D42 => Some("smb3"),
        0x0102_1997 => Some("9p"),
        0x564C => Some("ncp"),
        0x7375_7245 => Some("coda"),
        0x5346_414F | 0x6B41_4653 => Some("afs"),
        0x00C3_6400 => Some("ceph"),
        0x0BD0_0BD0 => Some("lustre"),
        0x4750_4653 => Some("gpfs"),
        _ => None,
    }
}

/// Whether a type in the table of mounts is a FUSE file system that reaches other machines.
#[cfg(any(target_os = "linux", test))]
fn is_network_type(name: &str) -> bool {
    const FUSE: [&str; 16] = [
        "ceph",
        "ceph-fuse",
        "curlftpfs",
        "davfs",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "hdfs",
        "httpfs",
        "juicefs",
        "mount.davfs",
        "rclone",
        "s3fs",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
    ];
    name.strip_prefix("fuse.")
        .is_some_and(|kind| FUSE.contains(&kind))
}

/// The type of the file system that a directory is on, by the longest mount point that is above it; of several at one
/// point the last one counts, because it covers the others.
#[cfg(any(target_os = "linux", test))]
fn mounted_type<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    let mounted = |line: &'a str| {
        let (mount, system) = line.split_once(" - ")?;
        let point = unescape(mount.split(' ').nth(4)?);
        let depth = Path::new(&point).components().count();
        directory
            .starts_with(&point)
            .then(|| (depth, system.split(' ').next()))
    };
    let deepest = mounts.lines().filter_map(mounted);
    deepest.max_by_key(|&(depth, _)| depth)?.1
}

/// Undoes the octal escapes of the table of mounts.
#[cfg(any(target_os = "linux", test))]
fn unescape(point: &str) -> String {
    point
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home/user/my\\040files rw,nosuid master:2 - fuse.sshfs user@host:/ rw
41 22 0:36 / /mnt/local rw - fuse.ntfs-3g /dev/sdb rw
42 22 0:37 / /mnt/covered rw - fuse.sshfs user@host:/ rw
43 42 0:38 / /mnt/covered rw - xfs /dev/sdc rw
";

    #[track_caller]
    fn check(directory: &str, expected: Option<&str>) {
        let found = mounted_type(MOUNTS, Path::new(directory));
        assert_eq!(found.filter(|name| is_network_type(name)), expected);
    }

    #[test]
    fn the_deepest_mount_decides() {
        check("/home/user", None);
        check("/home/user/my files", Some("fuse.sshfs"));
        check("/home/user/my files/data", Some("fuse.sshfs"));
        check("/home/user/my files too", None);
        check("/mnt/local/data", None);
        check("/mnt/covered/data", None);
    }

    #[test]
    fn the_numbers_of_network_file_systems_are_known_also_with_their_sign() {
        assert_eq!(by_magic(0x6969_i64), Some("nfs"));
        assert_eq!(by_magic(-0x00AC_B2BE_i64), Some("cifs"));
        assert_eq!(by_magic(0xEF53_i64), None, "ext4");
    }

    #[test]
    fn a_local_directory_is_accepted_and_a_missing_one_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(network_file_system(directory.path()).unwrap(), None);
        assert!(network_file_system(&directory.path().join("missing")).is_err());
    }
}
