//! The server itself, where no client of others reaches: faults, limits, acknowledgements, the webhook, what is refused and why.

mod bot;
mod messages;
mod polling;
