//! Ids and cursors: what they accept, what they refuse, and with which words.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use runwright_proto::*;

#[test]
fn a_client_id_is_read_in_four_forms_and_written_in_one() {
    let plain = "00000000-0000-4000-8000-00000000000a";
    for text in [
        plain,
        "00000000-0000-4000-8000-00000000000A",
        "0000000000004000800000000000000a",
        "{00000000-0000-4000-8000-00000000000a}",
        "urn:uuid:00000000-0000-4000-8000-00000000000a",
    ] {
        let id: ClientId = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(id.to_string(), plain, "{text}");
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{plain}\""));
    }
}

#[test]
fn what_is_no_uuid_is_no_client_id() {
    assert_eq!(
        "".parse::<ClientId>(),
        Err(ParseIdError::Empty { kind: "client id" })
    );
    for text in [
        "x",
        "0",
        "00000000-0000-4000-8000-00000000000",
        "../etc",
        "00000000-0000-4000-8000-00000000000g",
    ] {
        assert_eq!(
            text.parse::<ClientId>(),
            Err(ParseIdError::NotUuid { kind: "client id" }),
            "{text}"
        );
    }
}

/// The namespace is fixed for good (semantics 1): a change of this id would lose every workspace of every user.
#[test]
fn the_id_of_a_workspace_depends_on_its_path_alone_and_never_changes() {
    let id = WorkspaceId::of_path(Path::new("/home/user/demo"));
    assert_eq!(id.to_string(), "f1ecdac0-a623-5c2e-bb6f-4fd9e4cd7b76");
    assert_eq!(id.as_uuid().get_version_num(), 5);
    assert_ne!(id, WorkspaceId::of_path(Path::new("/home/user/demo2")));
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_unicode_has_its_own_id() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let id = |bytes: &[u8]| WorkspaceId::of_path(Path::new(OsStr::from_bytes(bytes)));
    assert_ne!(id(b"/home/\xff"), id(b"/home/\xfe"));
    assert_ne!(id(b"/home/\xff"), id("/home/\u{fffd}".as_bytes()));
}

#[test]
fn a_session_id_is_up_to_256_visible_characters_without_a_slash() {
    let longest = "x".repeat(256);
    for text in [
        "0",
        "title-abc",
        "m$$call_1",
        "!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~",
        &longest,
    ] {
        assert_eq!(text.parse::<SessionId>().unwrap().as_str(), text);
    }
    let kind = "session id";
    assert_eq!("".parse::<SessionId>(), Err(ParseIdError::Empty { kind }));
    assert_eq!(
        "x".repeat(257).parse::<SessionId>(),
        Err(ParseIdError::TooLong {
            kind,
            len: 257,
            max: 256
        })
    );
    for (text, byte, offset) in [
        ("a/b", b'/', 1),
        ("a b", b' ', 1),
        ("\n", b'\n', 0),
        ("ab\u{e9}", 0xc3, 2),
        ("\u{7f}", 0x7f, 0),
    ] {
        assert_eq!(
            text.parse::<SessionId>(),
            Err(ParseIdError::Forbidden { kind, byte, offset }),
            "{text:?}"
        );
    }
}

#[test]
fn a_run_id_is_up_to_128_visible_characters() {
    assert!("a/b:c".parse::<RunId>().is_ok());
    assert!("x".repeat(128).parse::<RunId>().is_ok());
    let error = "x".repeat(1_000_000).parse::<RunId>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "run id is 1000000 bytes long, at most 128 are allowed"
    );
}

#[test]
fn the_session_of_a_sub_agent_is_named_after_the_call_that_started_it() {
    let message: MessageId = "m-1".parse().unwrap();
    assert_eq!(
        SessionId::of_sub_agent(&message, "call_1")
            .unwrap()
            .as_str(),
        "m-1$$call_1"
    );
    assert!(SessionId::of_sub_agent(&message, "call 1").is_err());
    assert!(SessionId::of_sub_agent(&message, &"x".repeat(256)).is_err());
}

#[test]
fn made_ids_are_valid_and_different() {
    const MANY: usize = 1_000;
    let mut seen = HashSet::new();
    for _ in 0..MANY {
        for text in [
            RunId::generate().to_string(),
            MessageId::generate().to_string(),
            SessionId::random().to_string(),
            ClientId::random().to_string(),
            Epoch::generate().to_string(),
        ] {
            assert!(seen.insert(text));
        }
        let epoch = Epoch::generate();
        assert!(epoch.as_str().len() <= 13);
        assert_eq!(epoch.as_str().parse(), Ok(epoch));
    }
    assert_eq!(seen.len(), 5 * MANY);
}

#[test]
fn a_map_by_id_is_looked_up_by_text() {
    let map = HashMap::from([("s-1".parse::<SessionId>().unwrap(), 7)]);
    assert_eq!(map.get("s-1"), Some(&7));
}

#[test]
fn an_epoch_has_no_dash_and_no_capital() {
    assert!("z9".parse::<Epoch>().is_ok());
    for text in ["", "a-b", "A", "a_b", &"x".repeat(33)] {
        assert!(text.parse::<Epoch>().is_err(), "{text}");
    }
}

#[test]
fn a_cursor_has_three_forms() {
    let after = |epoch: &str, seq| Cursor::After {
        epoch: epoch.parse().unwrap(),
        seq: Seq(seq),
    };
    for (text, cursor) in [
        ("0", Cursor::Start),
        ("now", Cursor::Now),
        ("k3v9-0", after("k3v9", 0)),
        ("0-1", after("0", 1)),
        ("now-18446744073709551615", after("now", u64::MAX)),
    ] {
        assert_eq!(text.parse::<Cursor>().as_ref(), Ok(&cursor));
        assert_eq!(cursor.to_string(), text);
        assert_eq!(
            serde_json::to_string(&cursor).unwrap(),
            format!("\"{text}\"")
        );
    }
}

#[test]
fn what_is_no_cursor_is_refused() {
    for text in [
        "",
        "1",
        "NOW",
        "-",
        "k3v9-",
        "k3v9",
        "k3v9-x",
        "k3v9-+1",
        "k3v9-1-2",
        "k3v9-18446744073709551616",
        " 0",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text:?}");
    }
}
