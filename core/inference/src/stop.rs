//! Stop texts. In: text as it comes. Out: the text before the first stop text, nothing of which is let out too early.
//! Must not know: tokens, models.

/// Watches for stop texts, across the borders of tokens.
pub(crate) struct StopFilter {
    stops: Vec<String>,
    held: String,
}

impl StopFilter {
    pub(crate) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, held: String::new() }
    }

    /// The text that may leave now, and whether a stop text followed it.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back in case a stop text followed, at the end.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes of the longest end of `text` that begins `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .skip(1)
        .filter(|&length| text.ends_with(&stop[..length]))
        .last()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::StopFilter;

    fn run(stops: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut filter = StopFilter::new(&stops);
        let mut out = Vec::new();
        for piece in pieces {
            let (text, stopped) = filter.push(piece);
            out.push(text);
            if stopped {
                return (out, true);
            }
        }
        out.push(filter.finish());
        (out, false)
    }

    #[test]
    fn stop_text_across_pieces_is_cut() {
        let (out, stopped) = run(&["\nUser:"], &["Yes.", "\nUs", "er", ": more"]);
        assert!(stopped);
        assert_eq!(out, ["Yes.", "", "", ""]);
    }

    #[test]
    fn false_start_is_let_out() {
        let (out, stopped) = run(&["\nUser:"], &["a\nUse", " it"]);
        assert!(!stopped);
        assert_eq!(out, ["a", "\nUse it", ""]);
    }

    #[test]
    fn held_text_leaves_at_the_end() {
        assert_eq!(run(&["##"], &["a#"]), (vec!["a".to_owned(), "#".to_owned()], false));
    }

    #[test]
    fn earliest_stop_wins_and_empty_ones_are_ignored() {
        assert_eq!(run(&["", "c", "b"], &["abc"]), (vec!["a".to_owned()], true));
        assert_eq!(run(&[], &["abc"]).0.concat(), "abc");
    }

    #[test]
    fn characters_of_many_bytes_are_kept_whole() {
        let (out, stopped) = run(&["。。"], &["不丹。", "首都", "。", "。x"]);
        assert!(stopped);
        assert_eq!(out.concat(), "不丹。首都");
    }
}
