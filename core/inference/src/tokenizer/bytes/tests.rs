//! Vocabularies of every kind, and what their tokens stand for.

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence;
use tokenizers::decoders::strip::Strip;
use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, DecoderWrapper};

use crate::tokenizer::Tokenizer;
use crate::tokenizer::tests::bytes;

/// As Llama 2: SentencePiece with bytes for what it has no token for, and a space before the first word.
pub(crate) fn sentencepiece() -> Tokenizer {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).into();
    tokens.extend((0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>")));
    tokens.extend(('a'..='z').map(String::from));
    tokens.extend(["▁", ".", "▁t", "he", "▁the", "不", "丹", "不丹"].map(str::to_owned));
    let vocabulary: Vocab = tokens.into_iter().zip(0..).collect();
    let merge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let merges = vec![merge("▁", "t"), merge("h", "e"), merge("▁t", "he"), merge("不", "丹")];
    let model =
        BPE::builder().vocab_and_merges(vocabulary, merges).byte_fallback(true).unk_token("<unk>".to_owned());
    let mut inner = tokenizers::Tokenizer::new(model.build().unwrap());
    let prepend = Prepend::new("▁".to_owned()).into();
    inner.with_normalizer(Some(Normalizers::new(vec![prepend, Replace::new(" ", "▁").unwrap().into()])));
    inner.with_decoder(Some(Sequence::new(vec![
        DecoderWrapper::Replace(Replace::new("▁", " ").unwrap()),
        ByteFallback::default().into(),
        Fuse::default().into(),
        Strip::new(' ', 1, 0).into(),
    ])));
    inner.add_special_tokens(&["<unk>", "<s>", "</s>"].map(|token| AddedToken::from(token, true)));
    Tokenizer::new(inner)
}

/// As BERT: words, and `##` before what continues one.
pub(crate) fn wordpiece() -> Tokenizer {
    let tokens = ["[UNK]", "[SEP]", "a", "paris", "lon", "##don", "##s", ".", "is", "the"];
    let vocabulary: Vocab = tokens.map(str::to_owned).into_iter().zip(0..).collect();
    let model = WordPiece::builder().vocab(vocabulary).build().unwrap();
    let mut inner = tokenizers::Tokenizer::new(model);
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    inner.with_decoder(Some(WordPieceDecoder::default()));
    inner.add_special_tokens(&["[UNK]", "[SEP]"].map(|token| AddedToken::from(token, true)));
    Tokenizer::new(inner)
}

fn of(tokenizer: &Tokenizer, token: &str) -> Option<Vec<u8>> {
    tokenizer.bytes().of(tokenizer.id(token).unwrap())
}

#[test]
fn byte_level_characters_are_bytes() {
    let tokenizer = bytes();
    let words: Vec<_> = (0..257).map(|id| tokenizer.bytes().of(id).unwrap()).collect();
    let mut single: Vec<u8> = words[..256].iter().map(|word| word[0]).collect();
    single.sort_unstable();
    assert!(single.into_iter().eq(0..=255));
    assert_eq!(words[256], b"th");
    assert_eq!(of(&tokenizer, "Ġ"), Some(b" ".into()));
    assert_eq!(of(&tokenizer, "<|im_end|>"), None);
    assert_eq!((tokenizer.bytes().of(9999), tokenizer.bytes().len()), (None, 259));
}

#[test]
fn tokens_give_what_the_text_is_made_of() {
    for tokenizer in [bytes(), sentencepiece()] {
        let text = "the 不丹 is 🐉 th";
        let ids = tokenizer.encode(text).unwrap();
        let joined: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.bytes().of(id).unwrap()).collect();
        assert_eq!(String::from_utf8(joined).unwrap().trim_start(), text);
    }
}

#[test]
fn sentencepiece_tokens_carry_their_spaces_and_bytes() {
    let tokenizer = sentencepiece();
    assert_eq!(of(&tokenizer, "▁the"), Some(b" the".into()));
    assert_eq!(of(&tokenizer, "▁"), Some(b" ".into()));
    assert_eq!(of(&tokenizer, "he"), Some(b"he".into()));
    assert_eq!(of(&tokenizer, "<0xE4>"), Some(vec![0xE4]));
    assert_eq!(of(&tokenizer, "</s>"), None);
}

#[test]
fn words_carry_the_space_before_them() {
    let tokenizer = wordpiece();
    assert_eq!(of(&tokenizer, "paris"), Some(b" paris".into()));
    assert_eq!(of(&tokenizer, "##don"), Some(b"don".into()));
    assert_eq!(of(&tokenizer, "."), Some(b".".into()));
    assert_eq!(of(&tokenizer, "[SEP]"), None);
}

#[test]
fn marks_that_are_not_flagged_are_no_text() {
    let mut inner = (*bytes().inner).clone();
    inner.add_tokens(&[AddedToken::from("<tool>", false), AddedToken::from("Loquat", false)]);
    let tokenizer = Tokenizer::new(inner);
    assert_eq!(of(&tokenizer, "<tool>"), None);
    assert_eq!(of(&tokenizer, "Loquat"), Some(b"Loquat".into()));
}

#[test]
fn text_shows_marks_and_broken_characters() {
    let tokenizer = bytes();
    let text = |id| tokenizer.bytes().text(id);
    assert_eq!(text(256), "th");
    assert_eq!(text(tokenizer.id("<|im_end|>").unwrap()), "<|im_end|>");
    assert_eq!(text(tokenizer.encode("不").unwrap()[0]), "\u{FFFD}");
}
