//! The server itself, where no client of others reaches: faults, limits, acknowledgements, the webhook, what is refused and why.

mod bot;
mod faults;
mod limits;
mod messages;
mod polling;
mod rich;
mod sending;
mod view;
mod webhook;
