//! What is the same fact: addresses in two wordings, and ids that were merged, now or later.

use std::fs;

use loquat_contract::Rank;
use loquat_kg::{Describes, Graph, ImportOptions, Object, Statement};
use tempfile::tempdir;

#[test]
fn an_address_in_a_qualifier_makes_no_second_fact_of_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("graph");
    let graph = Graph::open(&path).unwrap();
    let near = |value: Object| Statement::Fact {
        subject: "http://e.example/Delhi".into(),
        predicate: "height".into(),
        object: Object::number("1"),
        rank: Rank::Normal,
        qualifiers: vec![("near".into(), value)],
    };
    let entity = near(Object::Entity("https://e.example/River".into()));
    let address = near(Object::Url("https://e.example/River".into()));
    let first = graph.add(vec![entity.clone(), address.clone()], "me").unwrap();
    for again in [&entity, &address] {
        assert!(graph.says(again));
        assert_eq!(graph.add(vec![again.clone()], "me").unwrap(), first);
    }
    assert_eq!(graph.stats().unwrap().facts, 1);
    graph.compact().unwrap();
    assert_eq!(graph.stats().unwrap().facts, 1);
    graph.remove(vec![entity.clone()]).unwrap();
    assert!(!graph.says(&entity) && !graph.says(&address));
    drop(graph);
    assert_eq!(Graph::open(&path).unwrap().stats().unwrap().facts, 0);
}

#[test]
fn what_was_merged_is_taken_away_under_either_id() {
    let merged = "@prefix e: <http://e.example/> .\n@prefix loquat: <https://loquat.example/ns#> .\n\
                  e:Old loquat:redirect e:Paro . e:Delhi e:borders e:Old . e:Paro e:height 1 .\n";
    let borders =
        |object: Object| Statement::fact("http://e.example/Delhi", "http://e.example/borders", object);
    let [old, new] = ["Old", "Paro"].map(|name| borders(Object::Entity(format!("http://e.example/{name}"))));
    // Another thing than the place of the same address.
    let page = borders(Object::Url("http://e.example/Old".into()));
    for (taken, left) in [(&old, &new), (&new, &old)] {
        let folder = tempdir().unwrap();
        let file = folder.path().join("a.ttl");
        fs::write(&file, merged).unwrap();
        let graph = Graph::open(folder.path().join("graph")).unwrap();
        graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
        assert!(graph.says(taken) && graph.says(left) && !graph.says(&page));
        graph.add(vec![page.clone()], "me").unwrap();
        graph.remove(vec![taken.clone()]).unwrap();
        for _ in 0..2 {
            assert!(!graph.says(taken) && !graph.says(left) && graph.says(&page), "{taken:?}");
            graph.compact().unwrap();
        }
        graph.add(vec![left.clone()], "me").unwrap();
        graph.compact().unwrap();
        assert!(graph.says(taken) && graph.says(left) && graph.says(&page));
        assert_eq!(graph.stats().unwrap().facts, 3);
    }
}

#[test]
fn what_was_taken_away_stays_so_where_its_address_is_merged_later() {
    let borders = "@prefix e: <http://e.example/> .\ne:Delhi e:borders e:Old ; e:height 1 .\n";
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.ttl");
    fs::write(&file, borders).unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
    // As it is shown: nothing is said of the address.
    let shown = Statement::fact(
        "http://e.example/Delhi",
        "http://e.example/borders",
        Object::Url("http://e.example/Old".into()),
    );
    assert!(graph.says(&shown));
    graph.remove(vec![shown]).unwrap();
    for target in ["http://e.example/Paro", "http://e.example/Delhi"] {
        let redirect = Statement::Description {
            about: "http://e.example/Old".into(),
            what: Describes::Redirect,
            text: target.into(),
            language: None,
        };
        graph.add(vec![redirect], "me").unwrap();
        assert_eq!(graph.stats().unwrap().facts, 1, "{target}");
    }
}

#[test]
fn what_is_said_of_an_address_that_was_merged_into_another_reads_the_same_later() {
    let folder = tempdir().unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    let merged = Statement::Description {
        about: "http://e.example/Old".into(),
        what: Describes::Redirect,
        text: "http://e.example/New".into(),
        language: None,
    };
    graph.add(vec![Statement::fact("Bhutan", "height", Object::number("1")), merged], "me").unwrap();
    let page = Statement::fact("Bhutan", "capital", Object::Entity("http://e.example/Old".into()));
    graph.add(vec![page], "me").unwrap();
    let of_new = Statement::fact("Bhutan", "capital", Object::Url("http://e.example/New".into()));
    assert!(graph.says(&of_new));
    graph.compact().unwrap();
    assert!(graph.says(&of_new));
}
