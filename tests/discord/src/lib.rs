//! A Discord of our own, for tests: REST and gateway.
