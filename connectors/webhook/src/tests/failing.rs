//! Servers that fail, refuse, are gone or point elsewhere; and crashes.

use super::Bench;
use super::receiver::Got;

#[tokio::test]
async fn what_is_not_confirmed_is_sent_again_under_the_same_id_and_nothing_overtakes_it() {
    let bench = Bench::new(|_| {}).await;
    bench.receiver.then([500]);
    for id in ["1", "2"] {
        let sequence = bench.ask("ann", id).await;
        bench.answer(sequence).await;
    }
    let got = bench.receiver.once(3).await;
    let about: Vec<String> = got.iter().map(Got::about).collect();
    assert_eq!(about, ["message.answered 1", "message.answered 1", "message.answered 2"]);
    assert_eq!(got[0].id(), got[1].id());
    assert_ne!(got[1].id(), got[2].id());
}

#[tokio::test]
async fn a_crash_loses_nothing_and_what_was_confirmed_does_not_come_again() {
    let mut bench = Bench::new(|_| {}).await;
    let one = bench.ask("ann", "1").await;
    bench.answer(one).await;
    bench.receiver.once(1).await;
    // Known to be on record: the next one is posted only after it.
    bench.receiver.then([503]);
    let two = bench.ask("ann", "2").await;
    bench.answer(two).await;
    bench.receiver.once(2).await;
    let three = bench.ask("ann", "3").await;
    bench.restart(async |bench| bench.answer(three).await).await;
    let got = bench.receiver.once(4).await;
    let about: Vec<String> = got.iter().map(Got::about).collect();
    assert_eq!(
        about,
        ["message.answered 1", "message.answered 2", "message.answered 2", "message.answered 3"]
    );
    assert_eq!(got[1].id(), got[2].id(), "the same also after a restart");
}

#[tokio::test]
async fn a_server_that_is_gone_gets_nothing_more_until_its_address_changes() {
    let mut bench = Bench::new(|_| {}).await;
    bench.receiver.then([410]);
    let one = bench.ask("ann", "1").await;
    bench.answer(one).await;
    bench.receiver.once(1).await;
    bench.ended().await;
    bench.restart(async |_| {}).await;
    bench.ended().await;
    assert_eq!(bench.receiver.got().len(), 1);
    bench.config.url += "/new";
    bench.restart(async |_| {}).await;
    let got = bench.receiver.once(2).await;
    assert_eq!(got[1].about(), "message.answered 1", "nothing is lost by it");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let bench = Bench::new(|config| config.give_up_hours = 0).await;
    bench.receiver.then([307]);
    for id in ["1", "2"] {
        let sequence = bench.ask("ann", id).await;
        // So that it is older than it may become.
        bench.answer(sequence).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let got = bench.receiver.once(2).await;
    assert!(got.iter().all(|one| one.status != axum::http::StatusCode::NOT_FOUND));
    assert!(got.iter().any(|one| one.about() == "message.answered 2"), "it went on");
}

#[tokio::test]
async fn what_is_not_confirmed_for_too_long_is_left_out() {
    let bench = Bench::new(|config| config.give_up_hours = 0).await;
    bench.receiver.always(Some(500));
    let one = bench.ask("ann", "1").await;
    bench.answer(one).await;
    bench.receiver.once(1).await;
    let two = bench.ask("ann", "2").await;
    // It is tried until it is older than no time at all.
    let both = async {
        bench.answer(two).await;
        while !bench.receiver.got().iter().any(|one| one.about().ends_with('2')) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), both).await.unwrap();
    assert!(bench.receiver.got().iter().filter(|one| one.about().ends_with('1')).count() <= 2);
}
