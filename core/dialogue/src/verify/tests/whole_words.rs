//! A relation's words count whole: what leaves one out says another relation.

use super::*;

fn relation(language: &str, label: &str, aliases: &[&str]) -> Arc<Predicate> {
    Arc::new(Predicate {
        id: label.into(),
        labels: vec![Label::new(label, language)],
        aliases: aliases.iter().map(|alias| Label::new(*alias, language)).collect(),
        ..Predicate::default()
    })
}

fn checked(language: &str, label: &str, aliases: &[&str], sentence: &str) -> Verdict {
    let facts = [fact(
        &entity("Vertex", "顶点机器人", &[]),
        &relation(language, label, aliases),
        Value::Entity(entity("Ann Lee", "王五", &[])),
    )];
    check_in(language, &facts, vec![vec![0]], sentence).verdict
}

#[test]
fn a_relation_that_leaves_out_a_word_is_another() {
    for (language, label, alias, sentence) in [
        ("zh", "误传的创始人", "创始人", "王五是顶点机器人的创始人。"),
        ("zh", "误传的创始人", "创始人", "顶点机器人的创始人是王五。"),
        ("zh", "前首都", "首都", "顶点机器人的首都是王五。"),
        ("zh", "名誉主席", "主席", "顶点机器人的主席是王五。"),
        ("zh", "非首都", "首都", "王五是顶点机器人的首都。"),
        ("en", "wrongly said founder", "founder", "Ann Lee is the founder of Vertex."),
        ("en", "former capital", "capital", "The capital of Vertex is Ann Lee."),
        ("en", "honorary president", "president", "Vertex's president is Ann Lee."),
        ("en", "not capital of", "capital of", "Ann Lee is the capital of Vertex."),
        ("en", "not capital of", "capital of", "Vertex is the capital of Ann Lee."),
        ("en", "formerly owned by", "owned by", "Vertex is owned by Ann Lee."),
        ("en", "allegedly founded by", "founded by", "Vertex was founded by Ann Lee."),
        ("en", "allegedly founded by", "founded by", "Ann Lee founded Vertex."),
        ("en", "president (disputed)", "president", "The president of Vertex is Ann Lee."),
    ] {
        for aliases in [&[][..], &[alias]] {
            let verdict = checked(language, label, aliases, sentence);
            assert!(verdict.is_doubtful(), "{label} {aliases:?}: {sentence} {verdict:?}");
        }
    }
    assert_eq!(
        checked("en", "honorary president", &[], "The honorary president of Vertex is Ann Lee."),
        Verdict::Supported
    );
    assert_eq!(checked("zh", "误传的创始人", &[], "顶点机器人的误传的创始人是王五。"), Verdict::Supported);
}

/// The words of a relation are compared without inflection; a verb is no form of a noun for all that.
#[test]
fn a_noun_is_not_said_by_a_verb_of_its_stem() {
    for (label, sentence) in [
        ("producer", "Vertex produced Ann Lee."),
        ("producer", "Vertex produces Ann Lee."),
        ("composer", "Vertex composed Ann Lee."),
        ("employer", "Vertex employed Ann Lee."),
        ("employer", "Vertex employs Ann Lee."),
        ("author", "Vertex authored Ann Lee."),
        ("sponsor", "Vertex sponsored Ann Lee."),
        ("designer", "Vertex is designing Ann Lee."),
        ("publisher", "Vertex published Ann Lee."),
        ("director", "Vertex directed Ann Lee."),
        ("founder", "Vertex founded Ann Lee."),
        ("had owner", "The owner of Vertex is Ann Lee."),
        ("was owned by", "Vertex is owned by Ann Lee."),
        ("was capital of", "Vertex is the capital of Ann Lee."),
        ("vice president", "The president of Vertex is Ann Lee."),
        ("president", "The vice president of Vertex is Ann Lee."),
        ("parent", "Vertex is the parent of Ann Lee."),
        ("child of", "Ann Lee is a child of Vertex."),
        ("influenced_by", "Vertex influenced Ann Lee."),
        ("defeated", "Ann Lee defeated Vertex."),
        ("located in", "Ann Lee is located in Vertex."),
        ("parentCompany", "Vertex is the parent company of Ann Lee."),
        ("not located in", "Vertex is located in Ann Lee."),
        ("capital until 1950", "The capital of Vertex is Ann Lee."),
        ("no longer owned by", "Vertex is owned by Ann Lee."),
        ("candidate for president", "The president of Vertex is Ann Lee."),
    ] {
        let verdict = checked("en", label, &[], sentence);
        assert!(verdict.is_doubtful(), "{label}: {sentence} {verdict:?}");
    }
    for (label, sentence) in [
        ("producer", "The producer of Vertex is Ann Lee."),
        ("producer", "Vertex's producers are Ann Lee."),
        ("composer", "Ann Lee is the composer of Vertex."),
        ("was owned by", "Vertex was owned by Ann Lee."),
        ("influenced_by", "Vertex was influenced by Ann Lee."),
    ] {
        assert_eq!(checked("en", label, &[], sentence), Verdict::Supported, "{label}: {sentence}");
    }
}

#[test]
fn a_chinese_relation_counts_whole() {
    for (label, sentence) in [
        ("曾任总统", "顶点机器人的总统是王五。"),
        ("副总统", "顶点机器人的总统是王五。"),
        ("总统", "顶点机器人的副总统是王五。"),
        ("总统候选人", "顶点机器人的总统是王五。"),
        ("原名", "顶点机器人名王五。"),
        ("不属于", "顶点机器人属于王五。"),
        ("未获奖项", "顶点机器人的奖项是王五。"),
        ("疑似创始人", "王五是顶点机器人的创始人。"),
        ("母公司", "顶点机器人是王五的母公司。"),
        ("旧首都", "王五是顶点机器人的首都。"),
    ] {
        let verdict = checked("zh", label, &[], sentence);
        assert!(verdict.is_doubtful(), "{label}: {sentence} {verdict:?}");
    }
}
