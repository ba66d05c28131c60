//! How much one person or one address may ask for. In: who asks, and from where. Out: nothing, or how long to wait. Its memory is bounded
//! however many ask.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::proxies::Client;
use crate::config;

/// Those whose digests end alike share a limit. So many can be told apart, and no more are ever kept.
const SLOTS: u64 = 1 << 18;
/// How long to wait for a stream of one's own to end, about.
const STREAM_ENDS: Duration = Duration::from_secs(10);

/// Every limit.
pub(crate) struct Limits {
    hash: RandomState,
    messages: Rate,
    address_messages: Rate,
    requests: Rate,
    sessions: Rate,
    keys: Rate,
    streams: Count,
    address_streams: Count,
}

/// How long to wait before asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

impl Limits {
    pub(crate) fn new(config: &config::Limits) -> Self {
        Self {
            hash: RandomState::new(),
            messages: Rate::new(config.messages_per_minute, Quota::per_minute),
            address_messages: Rate::new(config.address_messages_per_minute, Quota::per_minute),
            requests: Rate::new(config.address_requests_per_minute, Quota::per_minute),
            sessions: Rate::new(config.address_sessions_per_hour, Quota::per_hour),
            keys: Rate::new(config.key_requests_per_minute, Quota::per_minute),
            streams: Count::new(config.streams),
            address_streams: Count::new(config.address_streams),
        }
    }

    /// A request of any kind.
    pub(crate) fn request(&self, client: Client) -> Result<(), Wait> {
        self.address(client).map_or(Ok(()), |slot| self.requests.take(slot))
    }

    /// A request with an API key.
    pub(crate) fn key(&self, name: &str) -> Result<(), Wait> {
        self.keys.take(self.slot(name))
    }

    /// A message, a change or a press.
    pub(crate) fn message(&self, person: &str, client: Client) -> Result<(), Wait> {
        self.messages.take(self.slot(person))?;
        self.address(client).map_or(Ok(()), |slot| self.address_messages.take(slot))
    }

    /// A new guest.
    pub(crate) fn session(&self, client: Client) -> Result<(), Wait> {
        self.address(client).map_or(Ok(()), |slot| self.sessions.take(slot))
    }

    /// A stream, which counts until what is returned is dropped.
    pub(crate) fn stream(&self, person: &str, client: Client) -> Result<Streams, Wait> {
        let of_person = self.streams.take(self.slot(person))?;
        let of_address = self.address(client).map_or(Ok(None), |slot| self.address_streams.take(slot))?;
        Ok(Streams { _of_person: of_person, _of_address: of_address })
    }

    /// Forgets who has asked for nothing lately.
    pub(crate) fn sweep(&self) {
        for rate in [&self.messages, &self.address_messages, &self.requests, &self.sessions, &self.keys] {
            rate.sweep();
        }
    }

    fn address(&self, client: Client) -> Option<u64> {
        match client {
            Client::Here => None,
            Client::From(ip) => Some(self.slot(ip)),
        }
    }

    fn slot(&self, of: impl Hash) -> u64 {
        self.hash.hash_one(of) % SLOTS
    }
}

/// So many in a time.
struct Rate(Option<DefaultKeyedRateLimiter<u64>>);

impl Rate {
    fn new(most: u32, quota: fn(NonZeroU32) -> Quota) -> Self {
        Self(NonZeroU32::new(most).map(|most| RateLimiter::keyed(quota(most))))
    }

    fn take(&self, slot: u64) -> Result<(), Wait> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(&slot).map_err(|until| Wait(until.wait_time_from(DefaultClock::default().now())))
    }

    fn sweep(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// So many at the same time.
struct Count {
    most: Option<u32>,
    open: Arc<Mutex<HashMap<u64, u32>>>,
}

/// One of those that are open.
#[derive(Debug)]
struct Held {
    open: Arc<Mutex<HashMap<u64, u32>>>,
    slot: u64,
}

/// A stream that counts while it is open.
#[derive(Debug)]
pub(crate) struct Streams {
    _of_person: Option<Held>,
    _of_address: Option<Held>,
}

impl Count {
    fn new(most: u32) -> Self {
        Self { most: NonZeroU32::new(most).map(NonZeroU32::get), open: Arc::default() }
    }

    fn take(&self, slot: u64) -> Result<Option<Held>, Wait> {
        let Some(most) = self.most else { return Ok(None) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = open.entry(slot).or_default();
        if *now >= most {
            return Err(Wait(STREAM_ENDS));
        }
        *now += 1;
        Ok(Some(Held { open: self.open.clone(), slot }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = open.get_mut(&self.slot) {
            *now = now.saturating_sub(1);
            if *now == 0 {
                open.remove(&self.slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn limits(of: config::Limits) -> Limits {
        Limits::new(&of)
    }

    fn from(last: u8) -> Client {
        Client::From(Ipv4Addr::new(198, 51, 100, last).into())
    }

    #[test]
    fn one_persons_haste_is_nobody_elses() {
        let limits = limits(config::Limits { messages_per_minute: 2, ..config::Limits::default() });
        assert!(limits.message("ann", Client::Here).is_ok());
        assert!(limits.message("ann", Client::Here).is_ok());
        let Wait(wait) = limits.message("ann", Client::Here).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
        assert!(limits.message("bob", Client::Here).is_ok());
    }

    #[test]
    fn an_address_has_a_limit_whoever_it_says_it_is() {
        let limits = limits(config::Limits { address_messages_per_minute: 2, ..config::Limits::default() });
        assert!(limits.message("1", from(1)).is_ok());
        assert!(limits.message("2", from(1)).is_ok());
        assert!(limits.message("3", from(1)).is_err());
        assert!(limits.message("4", from(2)).is_ok());
        assert!(limits.message("5", Client::Here).is_ok());
    }

    #[test]
    fn a_stream_that_ends_makes_room() {
        let limits = limits(config::Limits { streams: 1, address_streams: 2, ..config::Limits::default() });
        let first = limits.stream("ann", from(1)).unwrap();
        assert!(limits.stream("ann", from(2)).is_err());
        let _second = limits.stream("bob", from(1)).unwrap();
        assert!(limits.stream("cy", from(1)).is_err());
        drop(first);
        let _third = limits.stream("cy", from(1)).unwrap();
        assert!(limits.streams.open.lock().unwrap().len() <= 3, "what was refused leaves nothing");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let limits = limits(config::Limits::default());
        for number in 0..300_000_u32 {
            let _ = limits.request(Client::From(Ipv4Addr::from(number).into()));
        }
        assert!(limits.requests.0.as_ref().unwrap().len() <= SLOTS as usize);
    }

    #[test]
    fn nought_is_no_limit() {
        let limits =
            limits(config::Limits { messages_per_minute: 0, streams: 0, ..config::Limits::default() });
        let all: Vec<_> = (0..100).map(|_| limits.stream("ann", Client::Here)).collect();
        assert!(all.iter().all(Result::is_ok));
        assert!((0..100).all(|_| limits.message("ann", Client::Here).is_ok()));
    }
}
