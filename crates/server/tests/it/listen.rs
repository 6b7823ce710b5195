//! The sockets: who gets them, who may see them, what is left of them.

use std::{
    fs::{self, Permissions},
    io::Read,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use runwright_server::{
    config::{
        AuthConfig, ConfigError, DefaultSocket, Environment, KeyVariables, ListenAddress,
        ListenPlan,
    },
    listen::{AcceptError, BindError, Inherited, bind},
};
use rustix::{process::Uid, thread::set_thread_res_uid};
use tempfile::TempDir;

use crate::common::{Setup, TestServer, listener, some_token, unix};

fn dir() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.sock");
    (dir, path)
}

/// Leaves behind what a server that was killed leaves behind.
fn make_stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    assert!(path.exists());
}

fn names(dir: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_dead_socket_is_replaced() {
    let (dir, path) = dir();
    make_stale(&path);
    let listener = listener(unix(&path)).unwrap();
    let _client = UnixStream::connect(&path).unwrap();
    listener.accept().await.unwrap();
    drop(listener);
    assert_eq!(
        names(&dir),
        ["x.sock.lock"],
        "the socket is gone, its lock stays, nothing else is left"
    );
}

#[tokio::test]
async fn a_living_server_keeps_its_socket() {
    let (_dir, path) = dir();
    let first = listener(unix(&path)).unwrap();
    let error = listener(unix(&path)).unwrap_err();
    assert!(matches!(&error, BindError::InUse { path: at } if *at == path));
    assert!(
        error
            .to_string()
            .starts_with("a server is already listening on `"),
        "{error}"
    );
    let _client = UnixStream::connect(&path).unwrap();
    first.accept().await.unwrap();
}

#[tokio::test]
async fn a_living_server_that_knows_no_lock_keeps_its_socket_too() {
    let (_dir, path) = dir();
    let foreign = UnixListener::bind(&path).unwrap();
    assert!(matches!(
        listener(unix(&path)),
        Err(BindError::InUse { .. })
    ));
    let _client = UnixStream::connect(&path).unwrap();
    // The first connection is the question whether anybody lives there; the second is ours.
    foreign.accept().unwrap();
    foreign.accept().unwrap();
}

#[test]
fn of_many_servers_that_start_at_once_one_gets_the_socket() {
    const SERVERS: usize = 20;
    for _ in 0..10 {
        let (_dir, path) = dir();
        make_stale(&path);
        let start = Barrier::new(SERVERS);
        let done = Barrier::new(SERVERS);
        let winners = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..SERVERS {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        start.wait();
                        let bound = listener(unix(&path));
                        done.wait();
                        match bound {
                            Ok(listener) => {
                                winners.fetch_add(1, Ordering::SeqCst);
                                let _client = UnixStream::connect(&path).unwrap();
                                listener.accept().await.unwrap();
                            }
                            Err(error) => {
                                assert!(matches!(error, BindError::InUse { .. }), "{error}")
                            }
                        }
                    });
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
    }
}

#[test]
fn the_socket_is_private_from_its_first_visible_moment() {
    let (_dir, path) = dir();
    let stop = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                if let Ok(metadata) = fs::symlink_metadata(&path) {
                    seen.fetch_add(1, Ordering::SeqCst);
                    assert!(metadata.file_type().is_socket());
                    assert_eq!(metadata.mode() & 0o777, 0o600);
                }
            }
        });
        for _ in 0..300 {
            let before = seen.load(Ordering::SeqCst);
            let listener = listener(unix(&path)).unwrap();
            while seen.load(Ordering::SeqCst) == before {
                thread::yield_now();
            }
            drop(listener);
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(seen.into_inner() >= 300);
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let (_dir, path) = dir();
    fs::write(&path, "precious").unwrap();
    assert!(matches!(
        listener(unix(&path)),
        Err(BindError::NotASocket { .. })
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_socket_that_somebody_put_in_our_place_stays() {
    let (_dir, path) = dir();
    let ours = listener(unix(&path)).unwrap();
    fs::remove_file(&path).unwrap();
    let _theirs = UnixListener::bind(&path).unwrap();
    drop(ours);
    assert!(path.exists());
}

#[tokio::test]
async fn what_a_crash_left_in_the_way_of_the_start_is_cleared() {
    let (dir, path) = dir();
    drop(listener(unix(&path)).unwrap());
    // A server that died between making its private folder and the rename.
    let draft = dir.path().join(format!(".rw{:08x}", fnv1a("x.sock")));
    fs::create_dir(&draft).unwrap();
    make_stale(&draft.join("s"));
    drop(listener(unix(&path)).unwrap());
    assert_eq!(names(&dir), ["x.sock.lock"]);
}

fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[tokio::test]
async fn the_longest_path_that_fits_works_and_a_longer_one_is_explained() {
    let dir = TempDir::new().unwrap();
    let room = 107 - dir.path().as_os_str().len() - 1;
    let longest = dir.path().join("s".repeat(room));
    listener(unix(&longest)).unwrap();
    let error = listener(unix(dir.path().join("s".repeat(room + 1)))).unwrap_err();
    assert!(
        matches!(
            error,
            BindError::PathTooLong {
                needed: 108,
                max: 107,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn port_zero_becomes_a_port_that_answers() {
    let server = TestServer::tcp(Setup::default());
    let ListenAddress::Tcp(address) = server.address else {
        panic!("not TCP")
    };
    assert_ne!(address.port(), 0);
    let reply = server
        .ask(format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n\r\n"))
        .await;
    assert_eq!(reply.status, 200);
    let second = listener("tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    assert_eq!(second.local_url(), second.address().to_string());
    assert!(
        second.local_url().starts_with("tcp://127.0.0.1:"),
        "{}",
        second.local_url()
    );
    assert!(
        !second.local_url().ends_with(":0"),
        "{}",
        second.local_url()
    );
}

#[tokio::test]
async fn the_default_socket_lives_in_a_private_folder_or_nowhere() {
    let temp = TempDir::new().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let environment = Environment {
        runtime_dir: None,
        temp_dir: temp.path().to_owned(),
        state_dir: None,
        data_home: None,
        home: None,
        token: None,
        keys: KeyVariables::default(),
        uid,
    };
    let plan = ListenPlan::Default(DefaultSocket::new(&environment));
    let open = || bind(&plan, Inherited::none(), &some_token());
    let folder = temp.path().join(format!("runwright-{uid}"));

    let listeners = open().unwrap();
    assert_eq!(listeners[0].address(), unix(folder.join("runwright.sock")));
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    drop(listeners);

    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(open(), Err(BindError::Folder(_))));

    let environment = Environment {
        runtime_dir: Some(temp.path().join("none")),
        ..environment
    };
    let plan = ListenPlan::Default(DefaultSocket::new(&environment));
    assert!(matches!(
        bind(&plan, Inherited::none(), &some_token()),
        Err(BindError::Folder(_))
    ));
    assert!(
        !temp.path().join("none").exists(),
        "the user's runtime directory is not ours to make"
    );
}

#[tokio::test]
async fn a_plan_that_is_refused_binds_nothing() {
    let (_dir, path) = dir();
    let plan = ListenPlan::Explicit(vec![unix(&path), "tcp://0.0.0.0:0".parse().unwrap()]);
    let error = bind(&plan, Inherited::none(), &AuthConfig::Off).unwrap_err();
    assert!(matches!(
        error,
        BindError::Config(ConfigError::RemoteWithoutAuth { .. })
    ));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_process_of_another_user_is_disconnected_even_where_the_mode_lets_it_in() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        // Only root can become somebody else; the rule itself has a unit test.
        return;
    }
    let (dir, path) = dir();
    let listener = listener(unix(&path)).unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    // On Linux a user id belongs to the thread, and this thread ends with it.
    let theirs = thread::spawn(move || {
        let nobody = Uid::from_raw(NOBODY);
        set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let mut stream = UnixStream::connect(&path).expect("the mode lets everybody in");
        stream.read(&mut [0])
    });
    let refused = listener.accept().await.unwrap_err();
    assert!(
        matches!(refused, AcceptError::ForeignPeer { uid: NOBODY }),
        "{refused}"
    );
    assert!(
        matches!(theirs.join().unwrap(), Ok(0)),
        "it sees the end of the connection"
    );
    let _ours = UnixStream::connect(dir.path().join("x.sock")).unwrap();
    listener.accept().await.unwrap();
}
