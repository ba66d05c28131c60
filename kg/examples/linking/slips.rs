//! Spelling mistakes, the same in every run. In: a name. Out: the name with one slip.

use super::cases::hash;

/// A way to go wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slip {
    Swap,
    Drop,
    Double,
    Replace,
}

pub(crate) const SLIPS: [Slip; 4] = [Slip::Swap, Slip::Drop, Slip::Double, Slip::Replace];

/// The name with a slip at a letter chosen by hash; `None` for names of fewer than five letters and where nothing would change.
pub(crate) fn slipped(name: &str, slip: Slip) -> Option<String> {
    let mut characters: Vec<char> = name.chars().collect();
    let letters: Vec<usize> = (0..characters.len()).filter(|at| characters[*at].is_alphabetic()).collect();
    if letters.len() < 5 {
        return None;
    }
    let seed = hash(&format!("{slip:?} {name}"));
    let at = letters[seed as usize % letters.len()];
    match slip {
        Slip::Swap => {
            let next = *characters.get(at + 1).filter(|c| c.is_alphabetic())?;
            // Case stays where it is: "Buthan", not "hButan".
            let (a, b) = (characters[at], next);
            let like = |c: char, model: char| if model.is_uppercase() { upper(c) } else { lower(c) };
            characters[at] = like(b, a);
            characters[at + 1] = like(a, b);
        }
        Slip::Drop => {
            let gone = characters.remove(at);
            if let Some(c) = characters.get_mut(at).filter(|_| gone.is_uppercase()) {
                *c = upper(*c);
            }
        }
        Slip::Double => characters.insert(at + 1, lower(characters[at])),
        Slip::Replace => {
            let letter = char::from(b'a' + (seed / 1000 % 26) as u8);
            characters[at] = if characters[at].is_uppercase() { upper(letter) } else { letter };
        }
    }
    let slipped: String = characters.into_iter().collect();
    (slipped != name).then_some(slipped)
}

fn upper(c: char) -> char {
    c.to_uppercase().next().unwrap_or(c)
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}
