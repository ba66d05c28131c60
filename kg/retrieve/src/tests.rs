//! Retrieval on small graphs in memory: shapes, paths, guards, budget, order, languages.

mod guards;
mod shapes;

use std::sync::Arc;

use loquat_contract::testing::MemoryGraph;
use loquat_contract::{
    Entity, EntityId, Fact, FactId, Label, Language, Predicate, PredicateId, Rank, Unit, Value,
};

use super::{Asked, Retrieval, RetrieveOptions, Retriever};

/// An entity with one name, which is its id too.
fn entity(name: &str) -> Arc<Entity> {
    Arc::new(Entity { id: EntityId::from(name), labels: vec![Label::plain(name)], ..Entity::default() })
}

fn predicate(label: &str) -> Arc<Predicate> {
    Arc::new(Predicate {
        id: PredicateId::from(label),
        labels: vec![Label::plain(label)],
        unit: (label == "length").then(|| Unit { symbol: "km".to_owned(), labels: Vec::new() }),
        ..Predicate::default()
    })
}

fn fact(subject: &str, label: &str, object: Value) -> Fact {
    let id = format!("{subject}|{label}|{}", object.text(&Language::english()));
    Fact::new(FactId::from(id.as_str()), entity(subject), predicate(label), object, "test".into())
}

/// Lines of `subject | predicate | object`; an object of digits is a number, one like `1990-05-01` a date.
fn facts(lines: &str) -> Vec<Fact> {
    let value = |text: &str| match text.parse::<f64>() {
        Ok(number) => Value::number(text, number),
        Err(_) if text.len() == 10 && text.as_bytes()[4] == b'-' => Value::Date(text.to_owned()),
        Err(_) if text == "true" || text == "false" => Value::Boolean(text == "true"),
        Err(_) => Value::Entity(entity(text)),
    };
    lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            fact(cells[0], cells[1], value(cells[2]))
        })
        .collect()
}

fn films() -> Vec<Fact> {
    facts(
        "Heat | directed by | Michael Mann
        Heat | release year | 1995
        Heat | starred actors | Al Pacino
        Heat | starred actors | Val Kilmer
        Heat | has genre | Crime
        Ali | directed by | Michael Mann
        Ali | release year | 2001
        Ali | starred actors | Will Smith
        Ali | has genre | Drama
        Thief | directed by | Michael Mann
        Thief | release year | 1981
        Thief | written by | Frank Hohimer
        Thief | starred actors | James Caan
        Insomnia | starred actors | Al Pacino
        Insomnia | directed by | Christopher Nolan
        Insomnia | release year | 2002
        Al Pacino | born | 1940-04-25
        Val Kilmer | born | 1959-12-31",
    )
}

async fn retrieve_with(facts: Vec<Fact>, question: &str, options: RetrieveOptions) -> Retrieval {
    Retriever::new(Arc::new(MemoryGraph::new(facts)), options).retrieve(question).await.unwrap()
}

async fn retrieve(facts: Vec<Fact>, question: &str) -> Retrieval {
    retrieve_with(facts, question, RetrieveOptions::default()).await
}

/// The values of the best group, sorted.
fn best(retrieval: &Retrieval) -> Vec<String> {
    let answers = &retrieval.groups.first().expect("a group").answers;
    let mut values: Vec<String> =
        answers.iter().map(|answer| answer.value.text(&Language::english())).collect();
    values.sort();
    values
}

fn path(retrieval: &Retrieval) -> String {
    retrieval.groups.first().expect("a group").reason(&Language::english())
}

#[tokio::test]
async fn one_relation_is_found_by_other_words_than_its_name() {
    assert_eq!(best(&retrieve(films(), "Who is the director of Heat?").await), ["Michael Mann"]);
    assert_eq!(best(&retrieve(films(), "when did Heat come out").await), ["1995"]);
    assert_eq!(best(&retrieve(films(), "Who wrote Thief?").await), ["Frank Hohimer"]);
    assert_eq!(best(&retrieve(films(), "what kind of film is Heat").await), ["Crime"]);
}

#[tokio::test]
async fn paths_of_two_and_three_relations_are_walked() {
    let two = retrieve(films(), "when were the movies directed by Michael Mann released").await;
    assert_eq!(best(&two), ["1981", "1995", "2001"]);
    assert_eq!(path(&two), "Michael Mann — directed by ← — release year →");
    // The facts on the way are there to be cited.
    assert_eq!(two.groups[0].answers[0].facts.len(), 2);

    let three =
        retrieve(films(), "the movies directed by the director of Heat were released in which years").await;
    assert_eq!(path(&three), "Heat — directed by → — directed by ← — release year →");
    // The way does not lead back over Heat itself.
    assert_eq!(best(&three), ["1981", "2001"]);

    let shared = retrieve(films(), "which movies share the same director of Heat").await;
    assert_eq!(best(&shared), ["Ali", "Thief"]);
}

#[tokio::test]
async fn hops_are_limited() {
    let options = RetrieveOptions { hops: 1, ..RetrieveOptions::default() };
    let one = retrieve_with(films(), "when were the movies directed by Michael Mann released", options).await;
    assert!(one.groups.iter().all(|group| group.path.len() == 1));
}

#[tokio::test]
async fn preferred_facts_come_first_and_deprecated_ones_never() {
    let mut mayors = facts("Ghent | mayor | Anna\nGhent | mayor | Bert\nGhent | mayor | Carl");
    mayors[1].rank = Rank::Preferred;
    mayors[2].rank = Rank::Deprecated;
    let found = retrieve(mayors, "Who is the mayor of Ghent?").await;
    let answers: Vec<String> =
        found.facts().iter().map(|ranked| ranked.fact.object.text(&Language::english())).collect();
    assert_eq!(answers, ["Bert", "Anna"]);
}

#[tokio::test]
async fn what_the_conversation_is_about_needs_no_name() {
    let retriever = Retriever::new(Arc::new(MemoryGraph::new(films())), RetrieveOptions::default());
    let found = retriever
        .retrieve(Asked { text: "Who directed it?", about: &[EntityId::from("Ali")], mentions: None })
        .await
        .unwrap();
    assert_eq!(best(&found), ["Michael Mann"]);
    assert_eq!(found.groups[0].topic.id.as_str(), "Ali");
}

#[tokio::test]
async fn an_only_subject_needs_no_name() {
    let shop = facts("Loquat Shop | opening hours | weekdays\nTea | price | 4\nSoap | price | 3");
    assert_eq!(best(&retrieve(shop, "What are your opening hours?").await), ["weekdays"]);
}

#[tokio::test]
async fn chinese_questions_are_answered() {
    let books = facts(
        "围城 | 作者 | 钱钟书
        围城 | 出版社 | 人民文学出版社
        围城 | 页数 | 359
        钱钟书 | 妻子 | 杨绛",
    );
    assert_eq!(best(&retrieve(books.clone(), "《围城》是谁写的?").await), ["钱钟书"]);
    assert_eq!(best(&retrieve(books.clone(), "围城是哪个出版社出版的?").await), ["人民文学出版社"]);
    assert_eq!(best(&retrieve(books.clone(), "圍城有多少頁?").await), ["359"]);
    assert_eq!(best(&retrieve(books, "围城的作者的妻子是谁?").await), ["杨绛"]);
    let land = facts("不丹 | 位于 | 南亚\n印度 | 位于 | 南亚\n不丹 | 首都 | 廷布\n印度 | 首都 | 新德里");
    assert_eq!(best(&retrieve(land, "不丹的首都是哪里？").await), ["廷布"]);
}

#[tokio::test]
async fn german_questions_are_answered() {
    let films = films();
    assert_eq!(best(&retrieve(films.clone(), "Wer hat bei Heat Regie geführt?").await), ["Michael Mann"]);
    assert_eq!(best(&retrieve(films, "Wann ist Heat erschienen?").await), ["1995"]);
    let land =
        facts("Bhutan | Hauptstadt | Thimphu\nBhutan | Währung | Ngultrum\nBhutan | Einwohnerzahl | 777000");
    assert_eq!(best(&retrieve(land.clone(), "Wie viele Einwohner hat Bhutan?").await), ["777000"]);
    assert_eq!(best(&retrieve(land, "Womit wird in Bhutan bezahlt, also welches Geld?").await), ["Ngultrum"]);
}

#[tokio::test]
async fn an_embedder_finds_what_shares_no_word() {
    use loquat_contract::testing::HashedEmbedder;
    let facts = facts(
        "Ann | birthplaces | Rome\nAnn | record label | Emi\nAnn | employer | Acme\nAnn | spouse | Ben",
    );
    let retriever = Retriever::new(Arc::new(MemoryGraph::new(facts)), RetrieveOptions::default())
        .with_embedder(Arc::new(HashedEmbedder::default()));
    let found = retriever.retrieve("the recorded lab of Ann").await.unwrap();
    assert_eq!(best(&found), ["Emi"]);
}
