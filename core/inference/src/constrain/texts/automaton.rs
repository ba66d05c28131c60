//! The automaton of texts put together from pieces. In: bytes. Out: whether they go on, and may end. Must not know: tokens.

use std::collections::HashMap;

/// The state from which nothing goes on.
pub(super) const DEAD: u32 = 0;
/// The state before the first byte.
pub(super) const START: u32 = 1;

/// A transition that was not taken yet.
const UNKNOWN: u32 = u32::MAX;
/// The trie's root, where a piece begins.
const ROOT: u32 = 0;

/// A deterministic automaton over bytes, made from the trie of all pieces and ends as its states are reached.
///
/// A state stands for the places of the trie in which the text may be: where a piece ends and a longer one goes on, there are two.
pub(super) struct Automaton {
    trie: Vec<Node>,
    /// Bytes that no piece has are of class 0; the others have a class each.
    classes: [u8; 256],
    states: Vec<State>,
    /// A row of transitions, by class, for each state.
    next: Vec<u32>,
    /// Transitions of a row.
    width: usize,
    known: HashMap<State, u32>,
}

#[derive(Default)]
struct Node {
    children: Vec<(u8, u32)>,
    /// A piece ends here.
    piece: bool,
    /// A text ends here.
    end: bool,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct State {
    /// Nodes that have children, in order.
    nodes: Box<[u32]>,
    /// The text may end.
    complete: bool,
}

impl Automaton {
    /// Any number of `pieces`, then one of `ends`.
    pub(super) fn new(pieces: &[String], ends: &[String]) -> Self {
        let mut trie = vec![Node::default()];
        let mut width = 1;
        let mut classes = [0; 256];
        let all = pieces.iter().map(|piece| (piece, false)).chain(ends.iter().map(|end| (end, true)));
        for (text, is_end) in all {
            let mut at = ROOT as usize;
            for byte in text.bytes() {
                // UTF-8 has fewer than 255 different bytes.
                if classes[usize::from(byte)] == 0 {
                    classes[usize::from(byte)] = width as u8;
                    width += 1;
                }
                let found = trie[at].children.binary_search_by_key(&byte, |child| child.0);
                at = match found {
                    Ok(child) => trie[at].children[child].1 as usize,
                    Err(place) => {
                        let new = trie.len();
                        trie[at].children.insert(place, (byte, new as u32));
                        trie.push(Node::default());
                        new
                    }
                };
            }
            let node = &mut trie[at];
            node.end |= is_end;
            node.piece |= !is_end;
        }
        let mut automaton =
            Self { trie, classes, states: Vec::new(), next: Vec::new(), width, known: HashMap::new() };
        automaton.add(State::default());
        let start = automaton.state([ROOT].into_iter());
        automaton.add(start);
        automaton
    }

    /// Where `byte` leads.
    pub(super) fn step(&mut self, state: u32, byte: u8) -> u32 {
        let class = self.classes[usize::from(byte)];
        if class == 0 {
            return DEAD;
        }
        let at = state as usize * self.width + usize::from(class);
        if self.next[at] == UNKNOWN {
            self.next[at] = self.follow(state, byte);
        }
        self.next[at]
    }

    /// Whether the text may end in `state`.
    pub(super) fn complete(&self, state: u32) -> bool {
        self.states[state as usize].complete
    }

    /// Whether more may follow.
    pub(super) fn open(&self, state: u32) -> bool {
        !self.states[state as usize].nodes.is_empty()
    }

    /// The bytes that alone may follow, up to where the text may end or has a choice; and the state behind them.
    pub(super) fn only_way(&mut self, mut state: u32) -> (Vec<u8>, u32) {
        let mut way = Vec::new();
        while !self.complete(state) {
            let nodes = &self.states[state as usize].nodes;
            let mut bytes =
                nodes.iter().flat_map(|&node| &self.trie[node as usize].children).map(|child| child.0);
            let Some(byte) = bytes.next().filter(|&byte| bytes.all(|other| other == byte)) else { break };
            way.push(byte);
            state = self.step(state, byte);
        }
        (way, state)
    }

    /// Forgets all other states where there are more than `most`; gives the new number of `state`.
    pub(super) fn trim(&mut self, state: u32, most: usize) -> u32 {
        if self.states.len() <= most {
            return state;
        }
        let keep = [DEAD, START, state].map(|state| self.states[state as usize].clone());
        self.states.clear();
        self.next.clear();
        self.known.clear();
        keep.map(|state| self.known.get(&state).copied().unwrap_or_else(|| self.add(state)))[2]
    }

    fn follow(&mut self, state: u32, byte: u8) -> u32 {
        let nodes = &self.states[state as usize].nodes;
        let children = nodes.iter().filter_map(|&node| {
            let children = &self.trie[node as usize].children;
            let found = children.binary_search_by_key(&byte, |child| child.0).ok()?;
            Some(children[found].1)
        });
        let reached = self.state(children);
        match self.known.get(&reached) {
            Some(&known) => known,
            None => self.add(reached),
        }
    }

    /// The state of being in all of `nodes`.
    fn state(&self, nodes: impl Iterator<Item = u32>) -> State {
        let mut complete = false;
        let mut places = Vec::new();
        for node in nodes {
            let Node { children, piece, end } = &self.trie[node as usize];
            let root = &self.trie[ROOT as usize];
            complete |= *end || (*piece && root.end);
            if !children.is_empty() {
                places.push(node);
            }
            if *piece && !root.children.is_empty() {
                places.push(ROOT);
            }
        }
        places.sort_unstable();
        places.dedup();
        State { nodes: places.into(), complete }
    }

    fn add(&mut self, state: State) -> u32 {
        let id = self.states.len() as u32;
        self.next.extend(std::iter::repeat_n(UNKNOWN, self.width));
        self.known.insert(state.clone(), id);
        self.states.push(state);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::{Automaton, DEAD, START};

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_was_forgotten_is_found_again() {
        // In many places at once: `abbb` is `a` and three `b`, or `ab` and two, or …
        let mut pieces: Vec<String> = (1..=16).map(|length| format!("a{}", "b".repeat(length))).collect();
        pieces.extend(owned(&["a", "b"]));
        let mut automaton = Automaton::new(&pieces, &owned(&["."]));
        let mut state = START;
        for byte in "abbabaabbbabab".repeat(40).bytes() {
            state = automaton.step(state, byte);
            assert!(state != DEAD && automaton.open(state) && !automaton.complete(state));
            state = automaton.trim(state, 4);
            assert!(automaton.states.len() <= 5);
        }
        let end = automaton.step(state, b'.');
        assert!(automaton.complete(end) && !automaton.open(end));
        let end = automaton.trim(end, 0);
        assert!(automaton.complete(end) && automaton.step(end, b'a') == DEAD);
        assert_eq!(automaton.trim(START, 0), START);
    }

    #[test]
    fn the_only_way_ends_at_a_choice() {
        let mut automaton = Automaton::new(&owned(&["ab"]), &owned(&["abc", "abcd", "x"]));
        assert_eq!(automaton.only_way(START).0, b"");
        let state = automaton.step(START, b'a');
        let (way, state) = automaton.only_way(state);
        assert_eq!(way, b"b");
        let state = automaton.step(state, b'c');
        assert!(automaton.complete(state) && automaton.open(state));
        assert_eq!(automaton.only_way(state).0, b"");
        let state = automaton.step(START, b'x');
        assert_eq!(automaton.only_way(state), (Vec::new(), state));
    }
}
