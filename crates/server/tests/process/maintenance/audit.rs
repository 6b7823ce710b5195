//! Who did what, as it is kept.

use serde_json::Value;

use super::{answered, on, stop};
use crate::workspace::ends;

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_prompted_and_who_cancelled_and_nothing_that_was_said() {
    let (mut server, member, session) = answered().await;
    let mut events = member.events(None).await;
    let secret = "[[say 1000]] [[delay 10]] the launch code";
    member.prompt(&session, "slow", secret).await.ok(202);
    member.post("runs/slow/cancel").await.ok(200);
    events.until(ends("slow")).await;
    let pid = server.pid();
    stop(&mut server).await;

    let text = on(&server.data_dir(), &["audit"]).await.well();
    let uid = rustix::process::geteuid().as_raw();
    let who = format!("  uid:{uid} (uid {uid}, pid {})  ", std::process::id());
    let prompted = format!("202 POST {0}/agent -> {0}/runs/slow", member.base);
    let cancelled = format!("200 POST {}/runs/slow/cancel", member.base);
    let place = |what: &str| {
        text.lines()
            .position(|line| line.ends_with(&format!("{who}{what}")))
    };
    let (prompted, cancelled) = (place(&prompted), place(&cancelled));
    assert!(prompted.is_some() && prompted < cancelled, "{pid}: {text}");
    assert!(
        text.lines()
            .next()
            .unwrap()
            .ends_with("200 POST /v1/workspaces"),
        "{text}"
    );
    assert!(!text.contains("launch") && !text.contains("say"), "{text}");

    let lines = on(&server.data_dir(), &["audit", "--json"]).await.well();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), text.lines().count());
    let made: Vec<_> = lines
        .iter()
        .filter_map(|line| line["location"].as_str())
        .collect();
    assert_eq!(
        made,
        [
            format!("{}/runs/first", member.base),
            format!("{}/runs/slow", member.base)
        ]
    );
    let last = on(&server.data_dir(), &["audit", "--limit", "1"])
        .await
        .well();
    assert_eq!(
        last.lines().collect::<Vec<_>>(),
        [text.lines().last().unwrap()]
    );
    let hour = on(&server.data_dir(), &["audit", "--since", "1h"])
        .await
        .well();
    assert_eq!(hour, text);
    let later = on(&server.data_dir(), &["audit", "--since", "2999-01-01"])
        .await
        .well();
    assert_eq!(later, "");
    let wrong = on(&server.data_dir(), &["audit", "--since", "yesterday"]).await;
    assert_eq!(wrong.code, Some(2));
}
