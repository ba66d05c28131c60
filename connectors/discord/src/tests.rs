//! The Discord connector on recorded payloads, and as a whole against a Discord of our own.
