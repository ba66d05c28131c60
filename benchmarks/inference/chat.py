"""Chats as token ids, for the peers that take ids. In: messages. Out: the ids that the model's own template gives, so that everybody
reads the same tokens; the runner checks their number against what each peer says."""

from tokenizers import Tokenizer

from places import shipped

DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
TOKENIZER = Tokenizer.from_file(str(shipped() / "tokenizer.json"))


def encode(text):
    """Ids, special tokens by their names."""
    return TOKENIZER.encode(text, add_special_tokens=False).ids


def decode(ids):
    """Text."""
    return TOKENIZER.decode(ids, skip_special_tokens=False)


def opening(system):
    """What stands before the first question."""
    return f"<|im_start|>system\n{system or DEFAULT_SYSTEM}<|im_end|>\n"


def question(text):
    """A question, and the beginning of the reply."""
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


ENDING = "<|im_end|>\n"
