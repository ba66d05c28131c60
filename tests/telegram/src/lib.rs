//! A Telegram of our own, for tests: the Bot API.
