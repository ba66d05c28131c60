//! What every [`Knowledge`] has to do, wherever its triples lie. In: a graph made of [`TURTLE`]. Out: nothing, or a panic that says what
//! it does otherwise.

use crate::{EntityId, Fact, Knowledge, KnowledgeError, Language, Mention, PredicateId, Value};

/// The triples that the graph is made of.
pub const TURTLE: &str = include_str!("knowledge.ttl");

const EX: &str = "http://example.com/";

/// Checks a graph that holds [`TURTLE`] and nothing else.
///
/// # Errors
/// The graph could not be read.
///
/// # Panics
/// Where it does not keep a promise.
pub async fn keeps_its_promises(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    what_goes_in_comes_out(graph).await?;
    both_directions_have_their_own_limit(graph).await?;
    predicates_are_described(graph);
    names_are_found(graph).await?;
    namesakes_share_their_score(graph).await?;
    hostile_texts_are_only_texts(graph).await
}

async fn facts(graph: &dyn Knowledge, name: &str) -> Result<Vec<Fact>, KnowledgeError> {
    graph.facts(&EntityId(format!("{EX}{name}").into()), 100).await
}

/// The fact with this predicate among those with this subject.
fn fact<'a>(facts: &'a [Fact], subject: &str, predicate: &str) -> &'a Fact {
    let is = |fact: &&Fact| {
        fact.subject.id.as_str() == format!("{EX}{subject}")
            && fact.predicate.id.as_str() == format!("{EX}{predicate}")
    };
    let found: Vec<&Fact> = facts.iter().filter(is).collect();
    assert_eq!(found.len(), 1, "{subject} {predicate} among {facts:#?}");
    found[0]
}

async fn what_goes_in_comes_out(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    let english = Language::english();
    let bhutan = facts(graph, "bt").await?;
    let mut predicates: Vec<&str> = bhutan.iter().map(|fact| fact.predicate.label(&english)).collect();
    predicates.sort_unstable();
    // The class without a name is left out, and what is said of predicates is no fact.
    let expected = [
        "area",
        "capital",
        "email",
        "founded",
        "landlocked",
        "location",
        "motto",
        "site",
        "source code",
        "type",
    ];
    assert_eq!(predicates, expected);
    let value = |predicate: &str| fact(&bhutan, "bt", predicate).object.clone();
    assert_eq!(value("area"), Value::number("38394", 38394.0));
    assert!(
        matches!(value("capital"), Value::Entity(city) if city.id.as_str() == "http://example.com/thimphu")
    );
    assert_eq!(value("landlocked"), Value::Boolean(true));
    assert_eq!(value("founded"), Value::Date("1907-12-17".into()));
    assert_eq!(value("email"), Value::Url("mailto:info@bt.example".into()));
    assert_eq!(value("site"), Value::Url("https://bt.example/".into()));
    assert_eq!(value("sourceCode"), Value::Url("https://bt.example/code".into()));
    assert_eq!(value("location"), Value::Coordinate { latitude: 27.47, longitude: 89.64 });
    let Value::Text(motto) = value("motto") else { panic!("the motto is no text") };
    assert_eq!(motto.text, "One \"Nation\",\nOne {People} \\ 一国");
    assert_eq!(motto.language, Some(english.clone()));
    let class = bhutan.iter().find(|fact| fact.predicate.label(&english) == "type");
    assert_eq!(class.map(|fact| fact.object.text(&english)).as_deref(), Some("country"));
    assert!(bhutan.iter().all(|fact| !fact.source.is_empty()));

    let entity = &fact(&bhutan, "bt", "area").subject;
    assert_eq!(entity.label(&english), "Bhutan");
    assert_eq!(entity.label(&Language::chinese()), "不丹");
    assert_eq!(entity.aliases.iter().map(|alias| alias.text.as_str()).collect::<Vec<_>>(), ["Druk Yul"]);
    let area = &fact(&bhutan, "bt", "area").predicate;
    let unit = area.unit.as_ref().map(|unit| (unit.symbol.as_str(), unit.labels[0].text.as_str()));
    assert_eq!(unit, Some(("km²", "square kilometres")));

    // An id is a digest of the triple, and nothing else: citations hold in any graph.
    let id = |predicate: &str| fact(&bhutan, "bt", predicate).id.to_string();
    assert_eq!(["capital", "area", "motto", "location"].map(id), IDS);
    let thimphu = facts(graph, "thimphu").await?;
    assert_eq!(thimphu.len(), 1);
    assert_eq!(thimphu[0].id, fact(&bhutan, "bt", "capital").id);
    assert_eq!(facts(graph, "bt").await?, bhutan, "a stable order");

    let netherlands = facts(graph, "nl").await?;
    assert_eq!(fact(&netherlands, "nl", "landlocked").object, Value::Boolean(false));
    assert_eq!(fact(&netherlands, "nl", "landlocked").subject.name_in_sentence(&english), "the Netherlands");

    assert!(facts(graph, "none").await?.is_empty());
    // What describes a predicate is no fact, and what is no IRI is nobody's name here.
    assert!(facts(graph, "capital").await?.is_empty());
    assert!(graph.facts(&EntityId::from("x> ?p ?o } #"), 10).await?.is_empty());
    Ok(())
}

/// Digests of Bhutan's capital, area, motto and location.
const IDS: [&str; 4] =
    ["e41bbe5a19ecedd1d38b", "92e028da4913d4143b3d", "ca249bab74b4083d8f05", "4865bff4a514b9953453"];

async fn both_directions_have_their_own_limit(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    let hub = EntityId(format!("{EX}hub").into());
    let all = graph.facts(&hub, 100).await?;
    let (out, back): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|fact| fact.subject.id == hub);
    assert_eq!((out.len(), back.len()), (7, 5));
    assert!(all[..7].iter().all(|fact| fact.subject.id == hub), "those with it as subject come first");
    let few = graph.facts(&hub, 3).await?;
    assert_eq!(few, [&out[..3], &back[..3]].concat(), "a limit cuts each direction in its order");
    Ok(())
}

fn predicates_are_described(graph: &dyn Knowledge) {
    let english = Language::english();
    let schema = graph.schema();
    assert_eq!(graph.schema().generation, schema.generation, "nothing has changed");
    let mut ids: Vec<&str> = schema
        .predicates
        .iter()
        .map(|p| p.id.as_str().rsplit(['/', '#']).next().unwrap_or_default())
        .collect();
    ids.sort_unstable();
    let expected = [
        "area",
        "capital",
        "email",
        "founded",
        "landlocked",
        "leads",
        "location",
        "motto",
        "site",
        "sourceCode",
        "tells",
        "type",
    ];
    assert_eq!(ids, expected);
    let id = |name: &str| PredicateId(format!("{EX}{name}").into());
    let sole =
        |name: &str| schema.sole_subjects.get(&id(name)).map(|entity| entity.label(&english).to_owned());
    assert_eq!(sole("area").as_deref(), Some("Bhutan"));
    assert_eq!(sole("capital"), None);
    let capital = schema.predicates.iter().find(|p| p.id == id("capital"));
    let Some(capital) = capital else { panic!("no capital") };
    assert_eq!(capital.label(&english), "capital");
    assert_eq!(capital.names().filter(|name| *name == "seat of government").count(), 1);
    assert_eq!(capital.templates.single[0].text, "The capital of {subject} is {object}.");
    assert_eq!((capital.templates.plural.len(), capital.templates.inverse.len()), (1, 1));
    let landlocked = schema.predicates.iter().find(|p| p.id == id("landlocked")).map(|p| &p.templates);
    assert_eq!(landlocked.map(|t| (t.when_true.len(), t.when_false.len())), Some((1, 1)));
}

/// What a mention may mean first, by the end of its id.
fn first(mention: &Mention) -> &str {
    mention.candidates[0].entity.id.as_str().strip_prefix(EX).unwrap_or_default()
}

async fn names_are_found(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    for (text, expected) in [
        ("Is Druk Yul larger than the Netherlands?", vec![("Druk Yul", "bt"), ("Netherlands", "nl")]),
        ("What is bhutan's capital?", vec![("bhutan", "bt")]),
        ("WHERE IS BHUTAN?", vec![("BHUTAN", "bt")]),
        ("不丹的首都是什么？", vec![("不丹", "bt")]),
        ("Wo liegen die Niederlande?", vec![("Niederlande", "nl")]),
        ("I read the New York Times in New York.", vec![("New York Times", "nyt"), ("New York", "ny")]),
        ("which countries are there?", vec![("countries", "Country")]),
        ("Thimphu或Amsterdam", vec![("Thimphu", "thimphu"), ("Amsterdam", "amsterdam")]),
        ("The shop is on the left, good evening.", vec![]),
        ("", vec![]),
    ] {
        let mentions = graph.link(text).await?;
        let found: Vec<(&str, &str)> = mentions.iter().map(|m| (m.text.as_str(), first(m))).collect();
        assert_eq!(found, expected, "{text}");
        for mention in &mentions {
            assert_eq!(text.get(mention.range.clone()), Some(mention.text.as_str()));
            let sum: f32 = mention.candidates.iter().map(|candidate| candidate.score).sum();
            assert!(sum > 0.0 && sum <= 1.0001, "{mention:?}");
        }
    }
    Ok(())
}

async fn namesakes_share_their_score(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    let mentions = graph.link("What about Springfield?").await?;
    assert_eq!(mentions.len(), 1);
    let ids: Vec<&str> = mentions[0].candidates.iter().map(|c| c.entity.id.as_str()).collect();
    // By how much is known of them; one that has the name only besides its own comes last.
    let expected = ["springfield-known", "springfield-little", "springfield-alias"];
    assert_eq!(ids, expected.map(|name| format!("{EX}{name}")));
    assert!(mentions[0].candidates.windows(2).all(|pair| pair[0].score > pair[1].score));
    Ok(())
}

async fn hostile_texts_are_only_texts(graph: &dyn Knowledge) -> Result<(), KnowledgeError> {
    for text in [
        "\"} DROP ALL #",
        "\\u0022 } ?s ?p ?o . # \\",
        "'''\"\"\"\n\r\t{{}}<>@^^",
        "\u{0}\u{1}\u{7f}\u{fffe}\u{202e}",
        "?????!!!!",
    ] {
        assert_eq!(graph.link(text).await?, [], "{text:?}");
    }
    let long = "nothing of this is known here ".repeat(400) + "Bhutan";
    let mentions = graph.link(&long).await?;
    assert!(mentions.iter().all(|mention| mention.text == "Bhutan"), "{mentions:?}");
    Ok(())
}
