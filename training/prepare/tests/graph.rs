//! Sets made of a graph in memory through the real engine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so at once")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use loquat_contract::testing::MemoryGraph;
use loquat_contract::{
    Entity, EntityId, Fact, Knowledge, Label, Language, LanguageModel, Policy, Predicate, Sampling, Value,
};
use loquat_dialogue::{Bot as Owner, Engine, Verifier};
use loquat_prepare::{
    Bot, Chat, Example, GraphSource, Kind, Message, PrepareError, Question, Recorder, Role, Settings,
    Sources, Statistics, Wordings, here, prepare,
};

const COUNTRIES: [(&str, &str, &str); 16] = [
    ("Bhutan", "Thimphu", "ngultrum"),
    ("Nepal", "Kathmandu", "Nepalese rupee"),
    ("Peru", "Lima", "sol"),
    ("Chile", "Santiago", "Chilean peso"),
    ("Japan", "Tokyo", "yen"),
    ("Kenya", "Nairobi", "Kenyan shilling"),
    ("Norway", "Oslo", "Norwegian krone"),
    ("Poland", "Warsaw", "zloty"),
    ("Hungary", "Budapest", "forint"),
    ("Thailand", "Bangkok", "baht"),
    ("Vietnam", "Hanoi", "dong"),
    ("Ghana", "Accra", "cedi"),
    ("Morocco", "Rabat", "dirham"),
    ("Turkey", "Ankara", "lira"),
    ("Sweden", "Stockholm", "krona"),
    ("Albania", "Tirana", "lek"),
];

fn entity(name: &str) -> Arc<Entity> {
    Arc::new(Entity { id: name.into(), labels: vec![Label::new(name, "en")], ..Entity::default() })
}

fn graph() -> MemoryGraph {
    let predicate = |name: &str| {
        Arc::new(Predicate { id: name.into(), labels: vec![Label::new(name, "en")], ..Predicate::default() })
    };
    let (capital, currency, borders) = (predicate("capital"), predicate("currency"), predicate("borders"));
    let population = predicate("population");
    let fact = |subject: &Arc<Entity>, predicate: &Arc<Predicate>, object: Value| {
        let id = format!("{}-{}-{}", subject.id, predicate.id, object.text(&Language::english()));
        Fact::new(id.as_str().into(), subject.clone(), predicate.clone(), object, "test".into())
    };
    let mut facts = Vec::new();
    for (place, (country, city, money)) in COUNTRIES.iter().enumerate() {
        let (country, city) = (entity(country), entity(city));
        facts.push(fact(&country, &capital, Value::Entity(city.clone())));
        facts.push(fact(&country, &currency, Value::Entity(entity(money))));
        for step in [1, 2] {
            let (neighbour, ..) = COUNTRIES[(place + step) % COUNTRIES.len()];
            facts.push(fact(&country, &borders, Value::Entity(entity(neighbour))));
        }
        let people = (place + 1) * 100_000;
        facts.push(fact(&city, &population, Value::number(people.to_string(), people as f64)));
    }
    MemoryGraph::new(facts)
}

fn sources(questions: Vec<Question>) -> Sources {
    let graph = Arc::new(graph());
    let recorder = Arc::new(Recorder::default());
    let owner = Owner {
        name: "Atlas".into(),
        persona: "Atlas knows countries.".into(),
        policy: Policy::Strict,
        languages: vec![Language::english()],
        sampling: Sampling::default(),
    };
    let models = vec![recorder.clone() as Arc<dyn LanguageModel>];
    let engine = Engine::new(owner, graph.clone(), models).unwrap();
    let source = GraphSource {
        bot: Bot::new(Arc::new(engine), recorder),
        knowledge: graph,
        languages: vec![Language::english()],
        wordings: Wordings::read([]).unwrap(),
        questions,
        entities: COUNTRIES.iter().map(|(name, ..)| EntityId::from(*name)).collect(),
        identity: "test".into(),
        parallel: 1,
    };
    Sources { graph: Some(source), ..Sources::default() }
}

async fn made(settings: &str, folder: &Path, sources: Sources) -> Result<Statistics, PrepareError> {
    let settings: Settings = toml::from_str(settings).unwrap();
    prepare(&settings, 7, sources, folder, &here, &mut |_, _, _| ()).await
}

fn part(folder: &Path, name: &str) -> Vec<Example> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn last(example: &Example) -> (&str, &str) {
    let [.., question, answer] = example.messages.as_slice() else { panic!("{example:?}") };
    assert_eq!((question.role, answer.role, answer.weight), (Role::User, Role::Assistant, None));
    (&question.content, &answer.content)
}

const ALL: &str = "examples = 400\n[graph]\ngenerated = 60\nreworded = 2\n[split]\ndev = 0.15\ntest = 0.15\n";

#[tokio::test]
async fn a_graph_teaches_every_kind_with_the_engines_own_prompts_and_leaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let statistics = made(ALL, folder.path(), sources(Vec::new())).await.unwrap();
    let parts = ["train", "dev", "test"].map(|name| part(folder.path(), name));
    for kind in [
        Kind::Fact,
        Kind::List,
        Kind::YesNo,
        Kind::FollowUp,
        Kind::Missing,
        Kind::Contradicted,
        Kind::MultiHop,
    ] {
        assert!(parts[0].iter().any(|example| example.kind == kind), "no {kind:?}: {:?}", statistics.kinds);
    }
    let entities: Vec<BTreeSet<&String>> =
        parts.iter().map(|part| part.iter().flat_map(|example| &example.entities).collect()).collect();
    assert!(entities.iter().all(|of| !of.is_empty()), "{:?}", statistics.division);
    assert!(entities[0].is_disjoint(&entities[1]) && entities[0].is_disjoint(&entities[2]));
    assert!(entities[1].is_disjoint(&entities[2]));
    assert!(statistics.shared.values().all(|shared| shared.entities == 0 && shared.examples == 0));

    let refusal = &statistics.refusals["en"];
    for example in parts.iter().flatten() {
        // What the engine shows before each question is read and not learnt.
        let (system, rest) = example.messages.split_first().unwrap();
        assert!(system.role == Role::System && system.content.contains("Atlas knows countries."));
        let shown = &rest[..rest.len() - 2];
        assert!(shown.len() >= 2 && shown.iter().all(|m| m.role != Role::Assistant || m.weight == Some(0)));
        let (question, answer) = last(example);
        assert!(question.contains("\n\n"), "{question}");
        assert_eq!(answer == refusal, example.kind == Kind::Missing, "{example:?}");
        // What it was asked, and what is right, can be read without taking the prompt apart.
        assert!(question.ends_with(&format!("\n\n{}", example.question.as_ref().unwrap())), "{example:?}");
        assert_eq!(example.answers.is_empty(), example.kind == Kind::Missing, "{example:?}");
        let is_said = |accepted: &String| answer.to_lowercase().contains(&accepted.to_lowercase());
        assert!(example.kind == Kind::Missing || example.answers.iter().any(is_said), "{example:?}");
    }
    let ids: BTreeSet<&String> = parts.iter().flatten().map(|example| &example.id).collect();
    assert_eq!(ids.len(), parts.iter().map(Vec::len).sum::<usize>());
    for file in ["statistics.json", "report.md", "set.svg"] {
        assert!(std::fs::metadata(folder.path().join(file)).unwrap().len() > 500, "{file}");
    }
}

#[tokio::test]
async fn every_answer_is_what_the_verifier_supports_of_the_facts_in_the_prompt() {
    let folder = tempfile::tempdir().unwrap();
    made(ALL, folder.path(), sources(Vec::new())).await.unwrap();
    let verifier = Verifier::new().unwrap();
    let graph = graph();
    let english = Language::english();
    let (mut checked, mut own) = (0, 0);
    for example in part(folder.path(), "dev").into_iter().chain(part(folder.path(), "test")) {
        if !matches!(example.kind, Kind::Fact | Kind::List) {
            continue;
        }
        let (question, answer) = last(&example);
        let group = example.group.clone().unwrap();
        let mut facts = Vec::new();
        for entity in &example.entities {
            let known = graph.facts(&EntityId::from(entity.as_str()), 100).await.unwrap();
            let is_told =
                |fact: &Fact| fact.subject.id.as_str() == entity && fact.predicate.id.as_str() == group;
            facts.extend(known.into_iter().filter(is_told));
        }
        // Of those whose facts are in the prompt, the ones the answer names.
        facts.retain(|fact| answer.contains(fact.subject.label(&english)) || answer.starts_with("It"));
        let lists = [(0..facts.len()).collect::<Vec<_>>()];
        let verdict = verifier.evidence(&facts, &lists, &english).check(answer);
        assert_eq!(
            verdict.verdict,
            loquat_contract::Verdict::Supported,
            "{question} → {answer}: {verdict:?}"
        );
        checked += 1;
        own += usize::from(!question.contains(answer));
    }
    assert!(checked >= 10 && own >= 3, "{checked} checked, {own} in other words");
}

#[tokio::test]
async fn a_run_that_was_cut_short_makes_the_same_set_and_another_recipe_is_refused() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(ALL, whole.path(), sources(Vec::new())).await.unwrap();
    let asked = std::fs::read(whole.path().join("asked.jsonl")).unwrap();
    std::fs::write(cut.path().join("asked.jsonl"), &asked[..asked.len() / 2]).unwrap();
    made(ALL, cut.path(), sources(Vec::new())).await.unwrap();
    for name in ["train.jsonl", "dev.jsonl", "test.jsonl", "statistics.json"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert!(read(whole.path()) == read(cut.path()), "{name} differs");
    }
    let other = ALL.replace("reworded = 2", "reworded = 1");
    let refused = made(&other, whole.path(), sources(Vec::new())).await.unwrap_err();
    assert!(refused.to_string().contains("asked.jsonl"), "{refused}");
}

#[tokio::test]
async fn wrong_and_foreign_questions_are_counted_and_nothing_usable_is_an_error() {
    let question = |asked: &str, answer: &str| Question {
        turns: vec![asked.to_owned()],
        group: Some("capital".to_owned()),
        answers: vec![answer.to_owned()],
    };
    let folder = tempfile::tempdir().unwrap();
    let asked = vec![
        question("What is the capital of Bhutan?", "Thimphu"),
        question("What is the capital of Peru?", "Cusco"),
        question("Who painted the Mona Lisa?", "Leonardo"),
    ];
    let settings = "[graph]\ngenerated = 0\nreworded = 0\n[graph.shares]\nfact = 1\nmissing = 0\n";
    let statistics = made(settings, folder.path(), sources(asked)).await.unwrap();
    let fates: Vec<(String, usize)> =
        statistics.asked.iter().map(|(fate, count)| (format!("{fate:?}"), *count)).collect();
    let expected = [("Kept", 1), ("NotAnswered", 1), ("OtherAnswer", 1)];
    assert_eq!(fates, expected.map(|(fate, count)| (fate.to_owned(), count)));

    let folder = tempfile::tempdir().unwrap();
    let foreign = vec![question("Who painted the Mona Lisa?", "Leonardo")];
    let error = made(settings, folder.path(), sources(foreign)).await.unwrap_err().to_string();
    assert!(error.contains("1 were not answered from facts") && error.contains("loquat ask"), "{error}");
    assert!(!folder.path().join("train.jsonl").exists());
}

#[tokio::test]
async fn dialogues_and_text_stand_beside_and_are_cropped_and_repeated_in_train_alone() {
    let chat = |n: usize| Chat {
        id: format!("c{n}"),
        unit: format!("c{}", n / 2),
        messages: vec![
            Message::new(Role::User, format!("My parcel number {n} has not come, what now, please?")),
            Message::new(Role::Assistant, format!("Sorry to hear that about {n}!")),
            Message::new(Role::User, "It was a gift."),
            Message::new(Role::Assistant, format!("We send number {n} again, free of charge.")),
        ],
        names: Vec::new(),
        is_grounded: false,
    };
    let sources =
        || Sources { chats: (0..60).chain([3]).map(chat).collect(), bad_lines: 2, ..Sources::default() };
    let settings = "[dialogues]\nfiles = [\"x.jsonl\"]\n[augment]\nrepeated = 2\ncropped = 0.5\n[split]\ndev = 0.2\ntest = 0.2\n\
                    [duplicates]\nsimilarity = 2.0\n";
    let folder = tempfile::tempdir().unwrap();
    let statistics = made(settings, folder.path(), sources()).await.unwrap();
    assert_eq!((statistics.duplicates["dialogues"].exact, statistics.bad_lines), (1, 2));
    let parts = ["train", "dev", "test"].map(|name| part(folder.path(), name));
    assert_eq!([parts[1].len(), parts[2].len()], [12, 12]);
    assert_eq!(parts[0].len(), 72);
    let cropped = |part: &[Example]| part.iter().filter(|example| example.messages.len() == 2).count();
    assert!(cropped(&parts[0]) > 15 && cropped(&parts[1]) == 0, "{}", cropped(&parts[0]));
    let nothing = made(settings, folder.path(), Sources::default()).await.unwrap_err().to_string();
    assert!(nothing.contains("no assistant's message"), "{nothing}");
}
