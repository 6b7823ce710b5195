//! Flags and environment in, configuration or refusal out.

use super::*;
use crate::config::{Cli, Command, KeyVariables, Retention};

fn environment() -> Environment {
    Environment {
        runtime_dir: Some("/run/user/7".into()),
        temp_dir: "/tmp".into(),
        state_dir: None,
        data_home: None,
        home: Some("/home/u".into()),
        token: None,
        keys: KeyVariables::default(),
        uid: 7,
    }
}

fn resolve_in(environment: &Environment, flags: &[&str]) -> Result<ServeConfig, ConfigError> {
    let args = ["runwright", "serve"].iter().chain(flags).copied();
    let Command::Serve(args) = Cli::from_args(args).expect("valid flags").command else {
        panic!("not serve")
    };
    args.resolve(environment)
}

fn resolve(flags: &[&str]) -> Result<ServeConfig, ConfigError> {
    resolve_in(&environment(), flags)
}

#[test]
fn without_flags_the_server_listens_on_the_users_socket_only() {
    let config = resolve(&[]).expect("defaults");
    let ListenPlan::Default(socket) = config.listen else {
        panic!("explicit")
    };
    assert_eq!(socket.path(), Path::new("/run/user/7/runwright.sock"));
    assert!(!socket.may_create_folder());
    assert_eq!(config.data_dir, Path::new("/home/u/.local/share/runwright"));
    assert_eq!(config.drain_timeout, Duration::from_secs(30));
    assert_eq!(config.idle_exit, None);
    assert!(!config.allow_remote_shutdown);
    assert_eq!(
        config.log,
        LogConfig {
            format: LogFormat::Text,
            filter: "info".to_owned()
        }
    );
    let AuthConfig::Token(TokenSource::DataDir(path)) = config.auth else {
        panic!("not the data folder's token")
    };
    assert_eq!(path, Path::new("/home/u/.local/share/runwright/token"));
}

#[test]
fn the_default_limits_are_those_of_the_semantics() {
    assert_eq!(
        resolve(&[]).expect("defaults").limits,
        Limits {
            connections: 1024,
            streams_per_client: 64,
            body_bytes: 1 << 20,
            prompt_bytes: 32 << 20,
            header_bytes: 64 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            queue: 64,
            prompts_per_second: None,
        }
    );
}

#[test]
fn without_a_runtime_directory_the_socket_goes_into_a_folder_of_ours() {
    let environment = Environment {
        runtime_dir: None,
        ..environment()
    };
    let ListenPlan::Default(socket) = resolve_in(&environment, &[]).expect("defaults").listen
    else {
        panic!("explicit")
    };
    assert_eq!(socket.path(), Path::new("/tmp/runwright-7/runwright.sock"));
    assert!(socket.may_create_folder());
}

#[test]
fn the_data_folder_is_chosen_in_order() {
    let all = Environment {
        state_dir: Some("/var/lib/rw".into()),
        data_home: Some("/data".into()),
        ..environment()
    };
    let dir = |environment: &Environment, flags: &[&str]| {
        resolve_in(environment, flags).expect("valid").data_dir
    };
    assert_eq!(dir(&all, &["--data-dir", "/srv/x"]), Path::new("/srv/x"));
    assert_eq!(dir(&all, &[]), Path::new("/var/lib/rw"));
    assert_eq!(
        dir(
            &Environment {
                state_dir: None,
                ..all
            },
            &[]
        ),
        Path::new("/data/runwright")
    );
    assert!(dir(&environment(), &["--data-dir", "here"]).is_absolute());
    let nowhere = Environment {
        home: None,
        ..environment()
    };
    assert!(matches!(
        resolve_in(&nowhere, &[]),
        Err(ConfigError::NoDataDir)
    ));
}

#[test]
fn an_address_that_others_reach_needs_a_token_beforehand() {
    let remote = ["--listen", "tcp://0.0.0.0:7180", "--listen", "unix:///x"];
    let error = resolve(&remote).expect_err("no token");
    assert!(
        matches!(&error, ConfigError::RemoteWithoutToken { address } if address.to_string() == "tcp://0.0.0.0:7180")
    );
    assert!(error.to_string().contains("--token-file FILE"));

    let with_file = [&remote[..], &["--token-file", "/t"]].concat();
    assert!(matches!(
        resolve(&with_file).expect("token").auth,
        AuthConfig::Token(TokenSource::File(_))
    ));

    let token = Some("ab".repeat(32).parse().expect("64 digits"));
    let with_variable = resolve_in(
        &Environment {
            token,
            ..environment()
        },
        &remote,
    )
    .expect("token");
    assert!(matches!(
        with_variable.auth,
        AuthConfig::Token(TokenSource::Value(_))
    ));
}

#[test]
fn a_token_that_is_already_in_the_data_folder_opens_the_network() {
    let data_dir = tempfile::tempdir().expect("folder");
    let flags = [
        "--listen",
        "tcp://0.0.0.0:7180",
        "--data-dir",
        data_dir.path().to_str().expect("utf-8"),
    ];
    assert!(matches!(
        resolve(&flags),
        Err(ConfigError::RemoteWithoutToken { .. })
    ));
    std::fs::write(data_dir.path().join("token"), "x").expect("write");
    assert!(resolve(&flags).is_ok());
}

#[test]
fn no_auth_is_for_loopback_alone() {
    let error = resolve(&["--no-auth", "--listen", "tcp://192.168.0.7:1"]).expect_err("remote");
    assert!(matches!(error, ConfigError::RemoteWithoutAuth { .. }));
    let config = resolve(&["--no-auth", "--listen", "tcp://127.0.0.1:1"]).expect("loopback");
    assert!(matches!(config.auth, AuthConfig::Off));
    assert_eq!(config.notices().len(), 1);

    let token = Some("ab".repeat(32).parse().expect("64 digits"));
    let both = resolve_in(
        &Environment {
            token,
            ..environment()
        },
        &["--no-auth"],
    );
    assert!(matches!(both, Err(ConfigError::TokenAndNoAuth)));
}

#[test]
fn addresses_may_be_separated_by_commas() {
    let config = resolve(&[
        "--listen",
        "unix:///a,tcp://[::1]:0",
        "--listen",
        "tcp://localhost:1",
    ])
    .expect("valid");
    let ListenPlan::Explicit(addresses) = config.listen else {
        panic!("default")
    };
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    assert_eq!(
        addresses,
        ["unix:///a", "tcp://[::1]:0", "tcp://127.0.0.1:1"]
    );
}

#[test]
fn limits_are_read_with_units_and_checked() {
    let flags = [
        "--max-body-bytes",
        "2MiB",
        "--max-header-bytes",
        "16KiB",
        "--prompts-per-second",
        "3",
        "--idle-exit",
        "0",
    ];
    let config = resolve(&flags).expect("valid");
    assert_eq!(config.limits.body_bytes, 2 << 20);
    assert_eq!(config.limits.header_bytes, 16 << 10);
    assert_eq!(config.limits.prompts_per_second, Some(3));
    assert_eq!(config.idle_exit, Some(Duration::ZERO));
    for bad in [
        ["--max-header-bytes", "4KiB"],
        ["--max-connections", "0"],
        ["--header-timeout", "0"],
    ] {
        assert!(
            Cli::from_args(["runwright", "serve", bad[0], bad[1]]).is_err(),
            "{bad:?}"
        );
    }
}

#[test]
fn what_the_server_is_told_is_kept_in_the_data_folder_unless_asked_otherwise() {
    let retention = Retention {
        age: Duration::from_secs(30 * 24 * 60 * 60),
        workspace_bytes: 64 << 20,
        total_bytes: 1 << 30,
    };
    let durable = |resume_queued| StorageConfig::Durable {
        resume_queued,
        retention: retention.clone(),
    };
    let storage = |flags: &[&str]| resolve(flags).expect("valid").storage;
    assert_eq!(storage(&[]), durable(false));
    assert_eq!(storage(&["--resume-queued"]), durable(true));
    assert_eq!(storage(&["--in-memory"]), StorageConfig::Memory);
    let notices = resolve(&["--in-memory"]).expect("valid").notices();
    assert_eq!(
        notices,
        ["--in-memory: nothing survives this process, neither sessions nor accepted prompts"]
    );
    let contradiction = ["runwright", "serve", "--in-memory", "--resume-queued"];
    assert!(Cli::from_args(contradiction).is_err());
}

#[test]
fn retention_is_read_with_units_and_checked() {
    let flags = [
        "--retain-events-for",
        "36h",
        "--retain-workspace-events",
        "1MiB",
        "--retain-events",
        "10MiB",
    ];
    let StorageConfig::Durable { retention, .. } = resolve(&flags).expect("valid").storage else {
        panic!("not durable")
    };
    let expected = Retention {
        age: Duration::from_secs(36 * 60 * 60),
        workspace_bytes: 1 << 20,
        total_bytes: 10 << 20,
    };
    assert_eq!(retention, expected);
    for bad in [
        ["--retain-events-for", "0"],
        ["--retain-events-for", "a week"],
        ["--retain-events", "lots"],
    ] {
        assert!(
            Cli::from_args(["runwright", "serve", bad[0], bad[1]]).is_err(),
            "{bad:?}"
        );
    }
}
