//! How a test breaks the gateway.

use super::session::{Order, Outlet};
use crate::Discord;

impl Discord {
    fn order(&self, mut make: impl FnMut() -> Order) -> usize {
        let world = self.shared.look();
        let outlets = world.sessions.iter().filter_map(|session| session.outlet.as_ref());
        outlets.map(|outlet| outlet.order(make())).count()
    }

    /// Drops every connection to the gateway, without a word. Says how many there were.
    pub fn drop_gateway(&self) -> usize {
        let world = self.shared.look();
        let outlets = world.sessions.iter().filter_map(|session| session.outlet.as_ref());
        outlets.map(|outlet| outlet.line.break_off()).count()
    }

    /// Closes every connection to the gateway with this code. Says how many there were.
    pub fn close_gateway(&self, code: u16) -> usize {
        self.order(|| Order::Close(code))
    }

    /// Asks the clients to connect anew (op 7).
    pub fn ask_to_reconnect(&self) -> usize {
        self.order(|| Order::Reconnect)
    }

    /// Tells the clients that their session is invalid (op 9), and whether it can be resumed.
    pub fn invalidate_sessions(&self, is_resumable: bool) -> usize {
        self.order(|| Order::Invalidate(is_resumable))
    }

    /// Asks for a heartbeat at once (op 1).
    pub fn ask_for_heartbeat(&self) -> usize {
        self.order(|| Order::AskHeartbeat)
    }

    /// Leaves the connections to the gateway open, and from now on neither hears nor says anything on them. New ones are fine.
    pub fn make_zombies(&self) -> usize {
        self.order(|| Order::Zombie)
    }

    /// Whether heartbeats are acknowledged on the connections that there are.
    pub fn acknowledge_heartbeats(&self, acknowledges: bool) -> usize {
        self.order(|| Order::Acknowledge(acknowledges))
    }

    /// Forgets all sessions, and drops their connections: whoever comes back has to identify anew.
    pub fn forget_sessions(&self) -> usize {
        let count = self.drop_gateway();
        self.shared.change(|world| world.sessions.clear());
        count
    }

    /// Closes the next connections to the gateway with this code right after HELLO, so often.
    pub fn refuse_gateway(&self, code: u16, times: usize) {
        self.shared.change(|world| world.refuse_sessions = (times > 0).then_some((code, times)));
    }

    /// Sessions that begin from now on are to be resumed at this address, where maybe nobody is.
    pub fn resume_at(&self, url: &str) {
        self.shared.change(|world| world.resume_url = Some(url.to_owned()));
    }

    /// So many sessions may still be started today.
    pub fn leave_starts(&self, count: u32) {
        self.shared.change(|world| world.starts_left = count);
    }

    /// How many connections to the gateway have ended so far, whoever ended them.
    pub fn gateway_ended(&self) -> usize {
        self.shared.look().gateway_ended
    }

    /// How many heartbeats were heard so far, on all connections.
    pub fn heartbeats(&self) -> usize {
        self.shared.look().heartbeats
    }

    /// How many shards are connected, and told READY or RESUMED.
    pub fn connected(&self) -> usize {
        let world = self.shared.look();
        let is_fine = |outlet: &Outlet| outlet.line.is_fine();
        world
            .sessions
            .iter()
            .filter(|session| session.is_ready && session.outlet.as_ref().is_some_and(is_fine))
            .count()
    }

    /// How many sessions there are, with those that lost their connection and could be resumed.
    pub fn sessions(&self) -> usize {
        self.shared.look().sessions.len()
    }

    /// How often sessions that are there were resumed.
    pub fn resumed(&self) -> usize {
        self.shared.look().sessions.iter().map(|session| session.resumed).sum()
    }

    /// How many sessions were started.
    pub fn identified(&self) -> usize {
        usize::try_from(crate::world::STARTS - self.shared.look().starts_left).unwrap_or(usize::MAX)
    }

    /// Waits until the bot is connected.
    ///
    /// # Errors
    /// When it does not connect within [`Options::patience`](crate::Options::patience).
    pub async fn ready(&self) -> anyhow::Result<()> {
        self.until("the bot connects to the gateway", |discord| (discord.connected() > 0).then_some(())).await
    }
}
