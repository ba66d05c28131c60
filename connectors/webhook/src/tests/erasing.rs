//! Who is erased is told to nobody any more; that they were, is.

use loquat_contract::{Journal, Person};

use super::Bench;

#[tokio::test]
async fn who_is_erased_while_a_server_is_away_is_not_told_to_it_but_their_erasure_is_also_after_a_crash() {
    let mut bench = Bench::new(|_| {}).await;
    bench.receiver.always(Some(503));
    let one = bench.ask("ann", "1").await;
    bench.answer(one).await;
    bench.receiver.once(1).await;
    let ann: Person = "p:ann".parse().unwrap();
    let erased = bench.journal.erase(&ann).await.unwrap();
    bench.hooks.erased(&ann, erased.events).unwrap();
    bench.restart(async |bench| bench.receiver.always(None)).await;
    let two = bench.ask("bob", "2").await;
    bench.answer(two).await;
    let before = bench.receiver.got().len();
    let wait = async {
        loop {
            let got = bench.receiver.got();
            let confirmed: Vec<_> = got.into_iter().filter(|one| one.status.is_success()).collect();
            if confirmed.len() >= 2 {
                return confirmed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let confirmed = tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.unwrap();
    let erased = confirmed[0].json();
    assert_eq!((&erased["type"], &erased["data"]["person"]), (&"person.erased".into(), &"p:ann".into()));
    assert_eq!(erased["data"]["messages"], 1);
    assert_eq!(confirmed[1].about(), "message.answered 2", "after {before}");
    // Nothing of them stays behind.
    let told = async {
        while std::fs::read_to_string(bench.folder.path().join("webhooks/crm.json")).unwrap().contains("ann")
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), told).await.unwrap();
}
