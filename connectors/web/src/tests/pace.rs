//! Who asks too often: guests, addresses, and what cannot be got around.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};

use super::fakes::{FakeSink, Fixture, ONE, bearing, code, fixture_with, get, message, over, post, with};
use crate::{Config, Limits};

fn web(limits: Limits) -> Fixture {
    let trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    fixture_with(FakeSink::willing(), Config { limits, trusted_proxies, public: true, ..Config::default() })
}

async fn guest(web: &Fixture) -> String {
    let session = super::fakes::json(web.as_stranger(post("/api/session", "{}")).await).await;
    session["token"].as_str().unwrap().to_owned()
}

fn wait(response: &Response<Body>) -> u64 {
    response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_guest_who_is_hasty_is_told_when_to_come_again() {
    let web = web(Limits { messages_per_minute: 2, ..Limits::default() });
    let (ann, bob) = (guest(&web).await, guest(&web).await);
    for id in ["1", "2"] {
        let said = web.as_stranger(bearing(message(ONE, id, "Hi"), &ann)).await;
        assert_eq!(said.status(), StatusCode::ACCEPTED);
    }
    let refused = web.as_stranger(bearing(message(ONE, "3", "Hi"), &ann)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=30).contains(&wait(&refused)), "{}", wait(&refused));
    assert_eq!(code(refused).await, "too_fast");
    let said = web.as_stranger(bearing(message(ONE, "1", "Hi"), &bob)).await;
    assert_eq!(said.status(), StatusCode::ACCEPTED, "another is not held up");
    let listens = web.as_stranger(bearing(get(&format!("/api/conversations/{ONE}/events")), &ann)).await;
    assert_eq!(listens.status(), StatusCode::OK, "who only listens is not hasty");
}

#[tokio::test]
async fn new_guests_do_not_get_around_the_limit_of_an_address() {
    let web = web(Limits { address_messages_per_minute: 2, ..Limits::default() });
    let mut statuses = Vec::new();
    for id in ["1", "2", "3"] {
        let said = over(bearing(message(ONE, id, "Hi"), &guest(&web).await), "198.51.100.7");
        statuses.push(web.as_stranger(said).await.status());
    }
    assert_eq!(statuses, [StatusCode::ACCEPTED, StatusCode::ACCEPTED, StatusCode::TOO_MANY_REQUESTS]);
    let elsewhere = over(bearing(message(ONE, "4", "Hi"), &guest(&web).await), "198.51.100.8");
    assert_eq!(web.as_stranger(elsewhere).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn forged_proxy_headers_do_not_get_around_it_either() {
    let limits = || Limits { address_sessions_per_hour: 1, ..Limits::default() };
    let asks = |peer: &str, forwarded: &str| {
        with(over(post("/api/session", "{}"), peer), "x-forwarded-for", forwarded)
    };
    let straight = web(limits());
    assert_eq!(straight.as_stranger(asks("198.51.100.7", "1.1.1.1")).await.status(), StatusCode::OK);
    let again = straight.as_stranger(asks("198.51.100.7", "2.2.2.2")).await;
    assert_eq!(code(again).await, "too_many_sessions");

    // A proxy that is believed adds the true one at the end.
    let behind = web(limits());
    for (chain, expected) in [
        ("1.1.1.1, 198.51.100.7", StatusCode::OK),
        ("2.2.2.2, 198.51.100.7", StatusCode::TOO_MANY_REQUESTS),
        ("198.51.100.8", StatusCode::OK),
    ] {
        assert_eq!(behind.as_stranger(asks("10.0.0.1", chain)).await.status(), expected, "{chain}");
    }
}

#[tokio::test]
async fn neighbours_of_one_ipv6_network_share_a_limit() {
    let web = web(Limits { address_sessions_per_hour: 1, ..Limits::default() });
    let asks = |peer: &str| over(post("/api/session", "{}"), peer);
    assert_eq!(web.as_stranger(asks("2001:db8:1:2::3")).await.status(), StatusCode::OK);
    assert_eq!(web.as_stranger(asks("2001:db8:1:2:ffff::4")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(web.as_stranger(asks("2001:db8:1:3::3")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn requests_of_any_kind_have_a_limit() {
    let web = web(Limits { address_requests_per_minute: 3, ..Limits::default() });
    let mut statuses = Vec::new();
    for path in ["/", "/api/nothing", "/api/bot", "/"] {
        statuses.push(web.as_stranger(over(get(path), "198.51.100.7")).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 404, 200, 429]);
}

#[tokio::test]
async fn so_many_tabs_may_listen_and_one_that_ends_makes_room() {
    let web = web(Limits { streams: 2, address_streams: 3, ..Limits::default() });
    let (ann, bob) = (guest(&web).await, guest(&web).await);
    let listen = |token: &str| -> Request<Body> {
        over(bearing(get(&format!("/api/conversations/{ONE}/events")), token), "198.51.100.7")
    };
    let first = web.as_stranger(listen(&ann)).await;
    let _second = web.as_stranger(listen(&ann)).await;
    let refused = web.as_stranger(listen(&ann)).await;
    assert!(wait(&refused) > 0);
    assert_eq!(code(refused).await, "too_many_streams");
    let _third = web.as_stranger(listen(&bob)).await;
    let of_address = web.as_stranger(listen(&guest(&web).await)).await;
    assert_eq!(of_address.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(first);
    assert_eq!(web.as_stranger(listen(&ann)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_is_here_counts_as_no_address() {
    let limits = Limits { address_requests_per_minute: 1, address_sessions_per_hour: 1, ..Limits::default() };
    let web = web(limits);
    for _ in 0..5 {
        assert_eq!(
            web.as_stranger(over(post("/api/session", "{}"), "127.0.0.1")).await.status(),
            StatusCode::OK
        );
    }
    // Through a proxy on this machine that nobody named, everybody is that proxy.
    let asks = || with(over(post("/api/session", "{}"), "127.0.0.1"), "x-forwarded-for", "1.1.1.1");
    assert_eq!(web.as_stranger(asks()).await.status(), StatusCode::OK);
    assert_eq!(web.as_stranger(asks()).await.status(), StatusCode::TOO_MANY_REQUESTS);
}
