//! What does not show over a real socket on loopback: other addresses, and what hyper does not hand over.

use http::Request;

use super::*;

const LOCAL: &str = "192.168.0.7:7180";

fn policy() -> GuardPolicy {
    GuardPolicy::new(Access::Open)
}

#[track_caller]
fn check(
    policy: &GuardPolicy,
    local: &str,
    headers: &[(&str, &str)],
    expect: Result<Principal, Refusal>,
) {
    let mut request = Request::builder().uri("/v1/health");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("request");
    let peer = Peer::Tcp {
        remote: "192.168.0.9:1".parse().expect("address"),
        local: local.parse().expect("address"),
    };
    assert_eq!(
        policy.judge(&request, peer),
        expect,
        "{headers:?} at {local}"
    );
}

#[track_caller]
fn check_host(policy: &GuardPolicy, local: &str, host: &str, allowed: bool) {
    let expect = if allowed {
        Ok(Principal::Anonymous)
    } else {
        Err(Refusal::HostNotAllowed)
    };
    check(policy, local, &[("host", host)], expect);
}

#[test]
fn the_address_that_was_reached_is_a_host_and_localhost_is_one_on_loopback_alone() {
    check_host(&policy(), LOCAL, "192.168.0.7:7180", true);
    check_host(&policy(), LOCAL, "192.168.0.8:7180", false);
    check_host(&policy(), LOCAL, "192.168.0.7", false);
    check_host(&policy(), LOCAL, "localhost:7180", false);
    check_host(&policy(), "[::ffff:127.0.0.1]:7180", "127.0.0.1:7180", true);
    check_host(&policy(), "[::1]:7180", "LOCALHOST:7180", true);
    check_host(&policy(), "[::1]:7180", "[0::1]:7180", true);
    check_host(&policy(), "127.0.0.1:80", "127.0.0.1", true);
}

#[test]
fn a_listed_host_without_a_port_stands_for_ours_and_for_none() {
    let policy = policy().with_hosts(vec![
        "agents.example".parse().expect("host"),
        "x.example:8443".parse().expect("host"),
    ]);
    check_host(&policy, LOCAL, "agents.example", true);
    check_host(&policy, LOCAL, "agents.example:7180", true);
    check_host(&policy, LOCAL, "agents.example:7181", false);
    check_host(&policy, LOCAL, "x.example:8443", true);
    check_host(&policy, LOCAL, "x.example", false);
    check_host(&policy, LOCAL, "sub.agents.example", false);
}

#[test]
fn both_body_lengths_at_once_are_refused_should_the_http_library_ever_hand_them_over() {
    let headers = [
        ("host", LOCAL),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
    ];
    check(&policy(), LOCAL, &headers, Err(Refusal::AmbiguousLength));
}

#[test]
fn a_listed_origin_passes_and_its_neighbors_do_not() {
    let policy = policy().with_origins(vec!["https://agents.example".parse().expect("origin")]);
    let origin = |origin| [("host", LOCAL), ("origin", origin)];
    check(
        &policy,
        LOCAL,
        &origin("https://agents.example"),
        Ok(Principal::Anonymous),
    );
    check(
        &policy,
        LOCAL,
        &origin("https://agents.example:443"),
        Ok(Principal::Anonymous),
    );
    check(
        &policy,
        LOCAL,
        &origin("http://agents.example"),
        Err(Refusal::OriginNotAllowed),
    );
    check(
        &policy,
        LOCAL,
        &origin("https://agents.example:8443"),
        Err(Refusal::OriginNotAllowed),
    );
}
