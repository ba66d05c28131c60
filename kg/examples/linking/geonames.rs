//! Cities that share a name. In: the table that `geonames.py` writes. Out: how often the right one is first, by prior, by what
//! stands beside the name, and by what the conversation is about.

use std::collections::HashMap;

use super::cases::{Case, hash};
use super::report::{Tally, header, skipped};
use super::{Failure, Options, graph};

#[derive(Default)]
struct City<'a> {
    name: &'a str,
    country: &'a str,
    state: &'a str,
    population: u64,
}

pub(crate) fn geonames(options: &Options) -> Result<(), Failure> {
    let Some(path) = &options.geonames else {
        skipped("geonames", &"make the table with geonames.py and name it with --geonames");
        return Ok(());
    };
    let text = std::fs::read_to_string(path)?;
    let rows: Vec<[&str; 3]> =
        text.lines().filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok()).collect();
    let mut cities: HashMap<&str, City<'_>> = HashMap::new();
    let mut places: HashMap<&str, &str> = HashMap::new();
    for [subject, predicate, object] in &rows {
        if !subject.starts_with("city:") {
            if *predicate == "rdfs:label" {
                places.insert(subject, object);
            }
            continue;
        }
        let city = cities.entry(subject).or_default();
        match *predicate {
            "rdfs:label" => city.name = object,
            "country" => city.country = object,
            "state" => city.state = object,
            "population" => city.population = object.parse()?,
            _ => {}
        }
    }
    let mut by_name: HashMap<&str, Vec<(&str, &City<'_>)>> = HashMap::new();
    for (id, city) in &cities {
        by_name.entry(city.name).or_default().push((id, city));
    }
    let (mut by_prior, mut in_state, mut in_country, mut talked) = (vec![], vec![], vec![], vec![]);
    for (name, mut same) in by_name {
        if same.len() < 2 || name.len() < 4 {
            continue;
        }
        same.sort_by_key(|(id, city)| (std::cmp::Reverse(city.population), *id));
        if same[0].1.population >= 4 * same[1].1.population.max(1) {
            by_prior.push(case("How many people live in ", name, "?", same[0].0));
        }
        // A city chosen by hash, of which there is only one of that name in its state and country.
        let (id, city) = same[hash(name) as usize % same.len()];
        let alone =
            |of: fn(&City<'_>) -> String| same.iter().filter(|(_, other)| of(other) == of(city)).count() == 1;
        if !city.state.is_empty() && alone(|city| city.state.to_owned()) {
            let state = places.get(city.state).copied().unwrap_or_default();
            in_state.push(case("How many people live in ", name, &format!(", {state}?"), id));
            talked.push((case("And how many people live in ", name, "?", id), city.state.to_owned()));
        }
        if alone(|city| city.country.to_owned()) {
            let country = places.get(city.country).copied().unwrap_or_default();
            in_country.push(case("How many people live in ", name, &format!(" in {country}?"), id));
        }
    }
    let (_folder, graph) = graph(rows.iter().copied())?;
    header(&format!("GeoNames: {} cities, names that several have", cities.len()));
    for (title, cases) in [
        ("the one with four times the people of the next", by_prior),
        ("any, with its state: “Paris, Texas”", in_state),
        ("any, with its country: “Paris in France”", in_country),
    ] {
        Tally::of(&graph, &super::cases::sample(cases, options.sample)).print(title, options.misses);
    }
    talked.truncate(options.sample);
    Tally::about(&graph, &talked).print("any, its state was talked about", options.misses);
    Ok(())
}

fn case(before: &str, name: &str, after: &str, gold: &str) -> Case {
    let range = before.len()..before.len() + name.len();
    Case { text: format!("{before}{name}{after}"), gold: gold.to_owned(), range }
}
