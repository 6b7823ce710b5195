//! A page of the database that is garbled while no server runs (issue 4, proof 6): the server refuses to start and says
//! why, or serves with clear errors; `doctor` names what is wrong; and with the page back everything is back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;

use crate::history::{Ending, Outcome, Script};
use crate::load::{Room, send_once};
use crate::printed::print;
use crate::random::Random;
use crate::server::{SOON, Server};
use crate::trial::Trial;
use crate::wire::Silence;

/// How many pages are garbled, one after the other.
const PAGES: usize = 12;

const WORDS: Script = Script {
    words: 200,
    delay_ms: 0,
    steps: 1,
    ending: Ending::Well,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_page_is_named_and_nothing_else_is_made_of_it() {
    let mut trial = Trial::begin().await;
    for _ in 0..5 {
        trial.prompt(WORDS).await;
    }
    let room = trial.room().clone();
    let (world, mut server) = trial.stop_load().await;
    let runs = room.all_runs().await;
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());
    let database = world.site.database();
    let whole = std::fs::read(&database).unwrap();
    let mut named = 0;
    for page in pages(&whole) {
        garble(&database, &whole, page);
        match world.site.start(&[]).await {
            Err(status) => assert!(
                status.code().is_some_and(|code| code != 0),
                "page {page}: {status}"
            ),
            Ok(server) => {
                serves_or_says_why(&room, page).await;
                server_lives(server, page).await;
            }
        }
        garble(&database, &whole, page);
        let doctor = world.site.doctor(&[]).await;
        named += usize::from(!doctor.status.success());
    }
    print(&format!("doctor named {named} of {PAGES} garbled pages"));
    assert!(
        named >= PAGES / 2,
        "a garbled page that holds something is named"
    );
    restore(&database, &whole);
    assert!(world.site.doctor(&[]).await.status.success());
    let _server = world.site.start(&[]).await.unwrap();
    assert_eq!(room.all_runs().await, runs);
}

/// Every answer is a success or names its code.
async fn serves_or_says_why(room: &std::sync::Arc<Room>, page: usize) {
    let session = &room.sessions[0];
    let paths = [
        "".to_owned(),
        "/runs".to_owned(),
        "/sessions".to_owned(),
        format!("/sessions/{session}/messages"),
    ];
    for path in paths {
        let answer = room.world.wire.get(&format!("{}{path}", room.base)).await;
        let answer = answer.unwrap_or_else(|silence| panic!("page {page}: {path}: {silence:?}"));
        assert!(
            answer.status == 200 || !answer.code().is_empty(),
            "page {page}: {path}: {answer:?}"
        );
    }
    let request = send_once(room.clone(), Script::default(), SOON).await;
    let outcome = &request.attempts[0].outcome;
    assert!(
        *outcome != Outcome::Cut,
        "page {page}: a prompt is answered"
    );
    let path = format!(
        "{}/events?client_id={}&after=0",
        room.base,
        uuid::Uuid::new_v4()
    );
    match room.world.wire.stream(&path).await {
        Ok(Ok(mut stream)) => {
            // The story as far as it can be read; a stream that breaks off there is not one that hangs.
            while let Ok(Some(_)) = timeout(Duration::from_millis(200), stream.next()).await {}
        }
        Ok(Err(answer)) => assert!(!answer.code().is_empty(), "page {page}: {answer:?}"),
        Err(silence) => assert!(
            silence != Silence::Hung,
            "page {page}: the stream: {silence:?}"
        ),
    }
}

async fn server_lives(mut server: Server, page: usize) {
    assert_eq!(
        server.wait_for(Duration::ZERO).await,
        None,
        "page {page}: the server is still there"
    );
    server.signal(Signal::KILL);
    server.wait().await;
}

/// The first pages, which hold the most important things, and some of the others.
fn pages(whole: &[u8]) -> Vec<usize> {
    let many = whole.len() / page_size(whole);
    let mut random = Random::new(1);
    let others =
        std::iter::repeat_with(|| 6 + usize::try_from(random.next()).unwrap() % (many - 6));
    (0..6.min(many)).chain(others).take(PAGES).collect()
}

fn page_size(whole: &[u8]) -> usize {
    match u16::from_be_bytes([whole[16], whole[17]]) {
        1 => 65_536,
        size => usize::from(size),
    }
}

/// Puts the database back with one page of noise in it.
fn garble(database: &Path, whole: &[u8], page: usize) {
    let size = page_size(whole);
    let mut random = Random::new(u64::try_from(page).unwrap());
    let mut garbled = whole.to_vec();
    garbled[page * size..(page + 1) * size].fill_with(|| random.next().to_le_bytes()[0]);
    restore(database, &garbled);
}

fn restore(database: &Path, whole: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        // Only there if a server was killed.
        let _there_or_not = std::fs::remove_file(PathBuf::from(name));
    }
    std::fs::write(database, whole).unwrap();
}
