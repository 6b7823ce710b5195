//! The token file: made private and whole, refused when it is not.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    thread,
};

use runwright_server::token::{BearerToken, TokenError};
use tempfile::TempDir;

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[test]
fn the_first_start_makes_a_private_token_and_the_next_finds_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("data/token");
    let made = BearerToken::read_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777,
        0o700
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{}\n", made.expose_hex())
    );
    assert!(BearerToken::read_or_create(&path).unwrap().matches(&made));
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "no draft is left behind"
    );
}

#[test]
fn many_first_starts_at_once_agree_on_one_token() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("token");
    let tokens: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| BearerToken::read_or_create(&path).unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap().expose_hex())
            .collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_token_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, TOKEN).unwrap();
    for (mode, good) in [
        (0o644, false),
        (0o640, false),
        (0o604, false),
        (0o620, false),
        (0o601, false),
        (0o600, true),
        (0o400, true),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match BearerToken::read(&path) {
            Ok(token) => assert!(good && token.expose_hex() == TOKEN, "{mode:o}"),
            Err(error) => {
                assert!(!good, "{mode:o}: {error}");
                assert!(
                    error
                        .to_string()
                        .contains(&format!("chmod 600 {}", path.display())),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn what_is_no_token_is_refused_without_repeating_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("token");
    assert!(matches!(
        BearerToken::read(&path),
        Err(TokenError::Read { .. })
    ));
    for text in ["", "hunter2", &format!("{TOKEN} {TOKEN}"), &TOKEN[1..]] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = BearerToken::read(&path).unwrap_err();
        assert!(matches!(error, TokenError::Malformed { .. }), "{text}");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(
        BearerToken::read_or_create(&path).is_err(),
        "a broken token is not replaced"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);
}
