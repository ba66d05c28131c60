//! Past replies against graphs that have changed. In: facts made by hand. Out: whether each change is found, and nothing else.

use std::sync::Arc;

use loquat_contract::testing::{self, MemoryGraph};
use loquat_contract::{Entity, Label, Outcome, Predicate, Templates, Value};

use super::*;

fn entity(id: &str, name: &str) -> Arc<Entity> {
    Arc::new(Entity { id: id.into(), labels: vec![Label::new(name, "en")], ..Entity::default() })
}

fn predicate(name: &str, template: &str) -> Arc<Predicate> {
    let templates = Templates { single: vec![Label::new(template, "en")], ..Templates::default() };
    Arc::new(Predicate {
        id: name.into(),
        labels: vec![Label::new(name, "en")],
        templates,
        ..Predicate::default()
    })
}

fn capital(subject: &str, object: &str) -> Fact {
    let predicate = predicate("capital", "The capital of {subject} is {object}.");
    let id = format!("{subject} capital {object}");
    let object = Value::Entity(entity(object, object));
    Fact::new(id.as_str().into(), entity(subject, subject), predicate, object, "test".into())
}

fn director(film: &str, person: &str) -> Fact {
    let predicate = predicate("director", "The director of {subject} is {object}.");
    let id = format!("{film} director {person}");
    let object = Value::Entity(entity(person, person));
    Fact::new(id.as_str().into(), entity(film, film), predicate, object, "test".into())
}

/// A reply of one sentence that rests on these facts, as the engine makes it over `graph`.
fn reply(text: &str, wording: Wording, facts: &[&Fact], graph: &MemoryGraph) -> Reply {
    let lexicons = Lexicons::builtin().unwrap();
    let lexicon = lexicons.of(&Language::english());
    let ids = facts.iter().map(|fact| fact.id.clone()).collect();
    let mut sentences = vec![Sentence { wording, ..Sentence::new(text, Verdict::Supported, ids) }];
    let noted = note_left_out(&mut sentences, facts, &lexicon.language, graph);
    futures::executor::block_on(noted).unwrap();
    let citations = facts.iter().map(|fact| cite(fact, lexicon)).collect();
    Reply { outcome: Outcome::Answered, sentences, citations, ..testing::reply(text) }
}

fn problems(reply: &Reply, graph: &MemoryGraph) -> Vec<Problem> {
    let checked = futures::executor::block_on(Recheck::new().unwrap().check(reply, graph));
    let (doubts, looked) = checked.unwrap();
    assert_eq!(
        looked.sentences,
        reply.sentences.iter().filter(|one| one.verdict == Verdict::Supported).count()
    );
    doubts.into_iter().flat_map(|doubt| doubt.problems).collect()
}

const WORDINGS: [Wording; 4] = [Wording::Model, Wording::Constrained, Wording::Template, Wording::Line];

#[test]
fn what_the_graph_still_says_holds_whoever_worded_it() {
    let fact = capital("Bhutan", "Thimphu");
    let graph = MemoryGraph::new(vec![fact.clone(), capital("Nepal", "Kathmandu")]);
    for text in ["The capital of Bhutan is Thimphu.", "Thimphu is the capital of Bhutan."] {
        for wording in WORDINGS {
            assert_eq!(problems(&reply(text, wording, &[&fact], &graph), &graph), [], "{text} {wording:?}");
        }
    }
}

/// Where a relation is said the same in both directions, only the template's own sentence tells which is meant.
#[test]
fn what_the_model_wrote_as_the_template_says_it_holds() {
    let text = "老挝位于东南亚。";
    let template = || vec![Label::new("{subject}位于{object}。", "zh")];
    let templates = Templates { single: template(), inverse: template(), ..Templates::default() };
    let labels = vec![Label::new("次区域", "zh-Hans")];
    let located = Arc::new(Predicate { id: "subregion".into(), labels, templates, ..Predicate::default() });
    let named = |id: &str, name: &str| {
        Arc::new(Entity { id: id.into(), labels: vec![Label::new(name, "zh-Hans")], ..Entity::default() })
    };
    let asia = Value::Entity(named("asia", "东南亚"));
    let fact = Fact::new("laos in asia".into(), named("laos", "老挝"), located, asia, "test".into());
    let lexicons = Lexicons::builtin().unwrap();
    let citations = vec![cite(&fact, lexicons.of(&Language::chinese()))];
    let sentence = Sentence {
        wording: Wording::Model,
        ..Sentence::new(text, Verdict::Supported, vec![fact.id.clone()])
    };
    let reply = Reply {
        outcome: Outcome::Answered,
        language: Language::chinese(),
        sentences: vec![sentence],
        citations,
        ..testing::reply(text)
    };
    assert_eq!(problems(&reply, &MemoryGraph::new(vec![fact])), []);
}

#[test]
fn a_fact_that_is_gone_is_named_with_what_the_graph_says_in_its_place() {
    let fact = capital("Bhutan", "Thimphu");
    let before = MemoryGraph::new(vec![fact.clone()]);
    let sent = reply("The capital of Bhutan is Thimphu.", Wording::Model, &[&fact], &before);
    let found = problems(&sent, &MemoryGraph::new(vec![capital("Bhutan", "Punakha")]));
    let [Problem::Gone { fact: gone, now }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((gone.object.as_str(), now.len()), ("Thimphu", 1));
    assert_eq!(now[0].object, "Punakha");
    let found = problems(&sent, &MemoryGraph::new(vec![capital("Nepal", "Kathmandu")]));
    assert!(matches!(found.as_slice(), [Problem::Gone { now, .. }] if now.is_empty()), "{found:?}");
    let outdated = Fact { rank: Rank::Deprecated, ..fact };
    let found = problems(&sent, &MemoryGraph::new(vec![outdated, capital("Bhutan", "Punakha")]));
    assert!(matches!(found.as_slice(), [Problem::Gone { now, .. }] if now.len() == 1), "{found:?}");
}

#[test]
fn a_reply_that_only_names_its_subject_is_looked_up_by_the_name() {
    let fact = capital("Bhutan", "Thimphu");
    let graph = MemoryGraph::new(vec![fact.clone()]);
    let mut sent = reply("The capital of Bhutan is Thimphu.", Wording::Line, &[&fact], &graph);
    sent.citations[0].entity = EntityId::default();
    assert_eq!(problems(&sent, &graph), []);
    let other = MemoryGraph::new(vec![capital("Bhutan", "Punakha")]);
    assert!(matches!(problems(&sent, &other).as_slice(), [Problem::Gone { .. }]));
}

#[test]
fn a_list_that_has_grown_is_not_whole_any_more_and_what_was_left_out_then_may_be() {
    let films = [director("Heat", "Mann"), director("Thief", "Mann")];
    let before = MemoryGraph::new(films.to_vec());
    let text = "The director of Heat and Thief is Mann.";
    let sent = reply(text, Wording::Template, &[&films[0], &films[1]], &before);
    assert_eq!(problems(&sent, &before), []);
    let after = MemoryGraph::new([&films[..], &[director("Ali", "Mann")]].concat());
    let found = problems(&sent, &after);
    let [Problem::Grown { more, count: 1, left_out: 0 }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(more[0].subject, "Ali");
    // Those of some years, of which the third is none.
    let sent = reply(text, Wording::Template, &[&films[0], &films[1]], &after);
    assert_eq!((sent.sentences[0].left_out, problems(&sent, &after)), (1, vec![]));
    // A second director says nothing against "the director of these is Mann".
    let other = MemoryGraph::new([&films[..], &[director("Heat", "Lee")]].concat());
    let sent = reply(text, Wording::Template, &[&films[0], &films[1]], &before);
    assert_eq!(problems(&sent, &other), []);
    // But against "the director of Heat is Mann", which gives one as if there were no other.
    let sent = reply("The director of Heat is Mann.", Wording::Model, &[&films[0]], &before);
    assert!(matches!(problems(&sent, &other).as_slice(), [Problem::Grown { count: 1, .. }]));
}

#[test]
fn what_is_called_otherwise_now_and_what_no_fact_says_are_found() {
    let fact = capital("Bhutan", "Thimphu");
    let before = MemoryGraph::new(vec![fact.clone()]);
    for wording in WORDINGS {
        let sent = reply("The capital of Bhutan is Thimphu.", wording, &[&fact], &before);
        let renamed = Fact { subject: entity("Bhutan", "Druk Yul"), ..fact.clone() };
        let found = problems(&sent, &MemoryGraph::new(vec![renamed]));
        assert!(
            matches!(found.as_slice(), [Problem::Renamed { now, .. }] if now.subject == "Druk Yul"),
            "{found:?}"
        );
    }
    let sent = reply("The capital of Bhutan is large.", Wording::Model, &[&fact], &before);
    assert_eq!(problems(&sent, &before), [Problem::Unsupported]);
    let uncited = Reply { citations: Vec::new(), ..sent };
    assert_eq!(problems(&uncited, &before), [Problem::Uncited { fact: fact.id.clone() }]);
}

#[test]
fn what_was_sent_without_support_is_told_only_where_that_was_forbidden() {
    let graph = MemoryGraph::new(Vec::new());
    let sentence = Sentence::new("It has dragons.", Verdict::Unsupported, Vec::new());
    for (policy, count) in [(Policy::Strict, 1), (Policy::Hedged, 0), (Policy::Open, 0)] {
        let sent = Reply { policy, sentences: vec![sentence.clone()], ..testing::reply("") };
        assert_eq!(problems(&sent, &graph).len(), count);
    }
}
