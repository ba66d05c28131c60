//! Whether objects stand beside what they belong to. In: occurrences in order. Out: yes or no.

use super::cover::Occurrence;

/// Whether each stated object belongs to the nearest anchor, reading every anchor as standing before its objects, or every one as
/// standing after them: "the capital is Thimphu and the currency the ngultrum", or "Thimphu is the capital and …".
///
/// `anchors` gives the facts that an occurrence anchors: those of its predicate, or of its subject. Objects
/// before the first anchor (or after the last) belong to it: "In Bhutan, Thimphu …".
pub(super) fn is_consistent(
    occurrences: &[Occurrence],
    stated: &[usize],
    anchors: fn(&Occurrence) -> &Vec<usize>,
) -> bool {
    let forward = reads(occurrences.iter(), stated, anchors);
    let backward = reads(occurrences.iter().rev(), stated, anchors);
    forward || backward
}

fn reads<'a>(
    occurrences: impl Iterator<Item = &'a Occurrence>,
    stated: &[usize],
    anchors: fn(&Occurrence) -> &Vec<usize>,
) -> bool {
    let mut anchor: Option<&Vec<usize>> = None;
    let mut before_any: Vec<&Occurrence> = Vec::new();
    for occurrence in occurrences {
        let anchored = anchors(occurrence);
        if anchored.iter().any(|fact| stated.contains(fact)) {
            if anchor.is_none() && !before_any.iter().all(|object| belongs(object, anchored, stated)) {
                return false;
            }
            anchor = Some(anchored);
        } else if occurrence.object_of.iter().any(|fact| stated.contains(fact)) {
            match anchor {
                Some(anchor) if !belongs(occurrence, anchor, stated) => return false,
                Some(_) => {}
                None => before_any.push(occurrence),
            }
        }
    }
    true
}

fn belongs(object: &Occurrence, anchor: &[usize], stated: &[usize]) -> bool {
    object.object_of.iter().any(|fact| stated.contains(fact) && anchor.contains(fact))
}
