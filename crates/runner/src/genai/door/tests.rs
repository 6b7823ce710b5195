//! Who comes through a door, and what is left of it.

use std::os::unix::fs::PermissionsExt;

use tokio::net::UnixStream;

use super::Door;

#[tokio::test]
async fn a_door_lets_this_process_in_and_leaves_nothing_behind() {
    for door in [Door::open().unwrap(), Door::in_a_folder().unwrap()] {
        let path = door.path().to_owned();
        let (entered, came) = tokio::join!(door.enter(), UnixStream::connect(&path));
        assert!(entered.is_ok() && came.is_ok());
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn the_folder_of_a_door_is_closed_to_others_and_goes_with_it() {
    let door = Door::in_a_folder().unwrap();
    let folder = door.path().parent().unwrap().to_owned();
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(door);
    assert!(!folder.exists());
}

/// A door without a file, and another process that knows its name.
#[cfg(target_os = "linux")]
mod strangers {
    use std::io::{Read, Write};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::process::{Command, Stdio};

    use super::super::Door;

    /// What the other process says when it was not let in.
    const REFUSED: &str = "not let in";

    #[tokio::test]
    async fn a_stranger_is_not_let_in_and_does_not_keep_others_out() {
        let door = Door::without_a_file().unwrap();
        let path = door.path().to_owned();
        let name = path.as_os_str().as_bytes()[1..].to_owned();
        let stranger = tokio::task::spawn_blocking(move || {
            let mut stranger = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--nocapture", "--exact"])
                .arg("genai::door::tests::strangers::stranger")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            stranger.stdin.take().unwrap().write_all(&name).unwrap();
            stranger.wait_with_output().unwrap().stdout
        });
        let own = async {
            let said = stranger.await.unwrap();
            assert!(String::from_utf8(said).unwrap().contains(REFUSED));
            tokio::net::UnixStream::connect(&path).await
        };
        let (entered, came) = tokio::join!(door.enter(), own);
        let (entered, came) = (entered.unwrap(), came.unwrap());
        came.try_write(b"own").unwrap();
        let mut heard = [0; 3];
        entered.readable().await.unwrap();
        assert_eq!(entered.try_read(&mut heard).unwrap(), 3);
        assert_eq!(&heard, b"own");
    }

    #[test]
    #[ignore = "the other process of the test above, which tells it the name"]
    fn stranger() {
        let mut name = Vec::new();
        std::io::stdin().read_to_end(&mut name).unwrap();
        let Ok(address) = SocketAddr::from_abstract_name(&name) else {
            return;
        };
        let Ok(mut socket) = UnixStream::connect_addr(&address) else {
            return;
        };
        // Who is let in would wait for an answer, and is not to wait for ever.
        let patience = std::time::Duration::from_secs(10);
        socket.set_read_timeout(Some(patience)).unwrap();
        let closed = socket.read_to_end(&mut Vec::new());
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        if !closed.as_ref().is_err_and(timed_out) {
            println!("{REFUSED}");
        }
    }
}
