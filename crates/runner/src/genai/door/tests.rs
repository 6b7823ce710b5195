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
    use std::io::{ErrorKind, Read};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::process::Command;
    use std::time::Duration;

    use super::super::Door;

    /// Makes this program the other process, and tells it the name of the door.
    const NAME: &str = "RUNWRIGHT_TEST_DOOR";

    /// What the other process says when it was not let in.
    const REFUSED: &str = "not let in";

    #[tokio::test]
    async fn a_stranger_is_not_let_in_and_does_not_keep_others_out() {
        if let Some(name) = std::env::var_os(NAME) {
            return knock(name.as_bytes());
        }
        let door = Door::without_a_file().unwrap();
        let path = door.path().to_owned();
        let name = path.to_str().unwrap()[1..].to_owned();
        let stranger = tokio::task::spawn_blocking(move || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--nocapture", "--exact"])
                .arg("genai::door::tests::strangers::a_stranger_is_not_let_in_and_does_not_keep_others_out")
                .env(NAME, name)
                .output()
                .unwrap()
                .stdout
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

    /// Comes to the door, and says so when it is closed in its face.
    fn knock(name: &[u8]) {
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let mut socket = UnixStream::connect_addr(&address).unwrap();
        // Who is let in would wait for an answer, and is not to wait for ever.
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let closed = socket.read_to_end(&mut Vec::new());
        if !closed.is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            println!("{REFUSED}");
        }
    }
}
