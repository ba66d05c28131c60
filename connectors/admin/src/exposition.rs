//! Prometheus' text format, read back. In: the text. Out: values by name and labels. Lines that are not understood are left out: what is shown to an
//! operator is a courtesy, and what counts is the text itself.

use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// The values in a text.
pub(crate) fn read(text: &str) -> Vec<Value> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

fn line(line: &str) -> Option<Value> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    // A time may follow.
    let value = match rest.split_whitespace().next()? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        value => value.parse().ok()?,
    };
    Some(Value { name: name.to_owned(), labels, value })
}

/// `key="value",…}`, and what follows.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(key.to_owned(), value);
        rest = &quoted[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_labels_and_what_is_none_is_left_out() {
        let text = "# HELP x y\n# TYPE x counter\nx 3\ny{a=\"b\",c=\"d, \\\"e\\\" {}\\n\\\\\"} 0.5 1700000000\n\nz{le=\"+Inf\"} +Inf\nbroken{a=\"b\nalso broken\nw{} 1e3\n";
        let found = read(text);
        let shown: Vec<(&str, f64)> = found.iter().map(|one| (one.name.as_str(), one.value)).collect();
        assert_eq!(shown, [("x", 3.0), ("y", 0.5), ("z", f64::INFINITY), ("w", 1000.0)]);
        assert_eq!(found[1].labels["c"], "d, \"e\" {}\n\\");
        assert_eq!(found[2].labels["le"], "+Inf");
    }
}
