//! A running web chat and a client of it. In: what the client says. Out: what the server answers, over real HTTP on this machine alone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::program::{User, binary};

/// When to give up on a server that says nothing more. No test measures time; this only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody with a conversation, as a page keeps them: also over a restart of the bot.
#[derive(Clone, Debug)]
struct Visitor {
    token: String,
    person: String,
    conversation: String,
}

/// Who came to whose bot.
static VISITORS: Mutex<BTreeMap<(PathBuf, String), Visitor>> = Mutex::new(BTreeMap::new());

/// A server process; killed where the test leaves it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The first line: that it is ready, and where.
    pub greeting: String,
    /// The link in that line.
    pub link: String,
    said: Arc<Mutex<String>>,
    agent: ureq::Agent,
    home: PathBuf,
}

impl Server {
    /// Starts `loquat serve` with these further arguments, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before that.
    pub fn start(user: &User, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = user.command(binary()?);
        command.arg("serve").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let said = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        listen(stderr.context("no standard error")?, said.clone());
        let mut greeting = String::new();
        let mut stdout = BufReader::new(stdout.context("no standard output")?);
        stdout.read_line(&mut greeting)?;
        // Read on: a program whose output nobody reads any more ends.
        listen(stdout, said.clone());
        let link = greeting.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
        let Some(link) = link else {
            let status = child.wait()?;
            bail!(
                "the server ended with {status}: {greeting}{}",
                said.lock().unwrap_or_else(PoisonError::into_inner)
            );
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build()
            .into();
        Ok(Self { child, greeting, link, said, agent, home: user.path("") })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it says this on standard error, now or within some seconds: it may still be on its way.
    pub fn says(&self, part: &str) -> bool {
        let start = Instant::now();
        while !self.said().contains(part) {
            if start.elapsed() > Duration::from_secs(10) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// What it has said on standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets a path: its status and body.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let mut response = self.agent.get(format!("{}{path}", self.link)).call()?;
        Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
    }

    /// Sends a message of somebody, in their one conversation: the status.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn send(&self, who: &str, id: &str, text: &str) -> anyhow::Result<u16> {
        let Visitor { token, conversation, .. } = self.visitor(who)?;
        let path = format!("/api/conversations/{conversation}/messages");
        Ok(self.post(&path, Some(&token), &json!({ "id": id, "text": text }))?.0)
    }

    /// Listens to somebody's conversation from its beginning.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn listen(&self, who: &str) -> anyhow::Result<Events> {
        let Visitor { token, conversation, .. } = self.visitor(who)?;
        let url = format!("{}/api/conversations/{conversation}/events", self.link);
        let response = self.agent.get(url).header("authorization", format!("Bearer {token}")).call()?;
        ensure!(response.status().is_success(), "{response:?}");
        Ok(Events { body: Box::new(BufReader::new(response.into_body().into_reader())) })
    }

    /// Somebody as the ledger names them, such as `web:guest:…`.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn person(&self, who: &str) -> anyhow::Result<String> {
        Ok(format!("web:{}", self.visitor(who)?.person))
    }

    /// Somebody's conversation as the ledger names it, after the bot's name: `web/…`.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn conversation(&self, who: &str) -> anyhow::Result<String> {
        let id = self.visitor(who)?.conversation;
        Ok(format!("web/{}", id.split_once('.').map_or(id.as_str(), |(uuid, _)| uuid)))
    }

    /// Somebody, who comes for the first time or again.
    fn visitor(&self, who: &str) -> anyhow::Result<Visitor> {
        let mut visitors = VISITORS.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (self.home.clone(), who.to_owned());
        if let Some(known) = visitors.get(&name) {
            return Ok(known.clone());
        }
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| value.to_string());
        let (status, session) = self.post("/api/session", None, &json!({}))?;
        ensure!(status == 200, "{status}: {session}");
        let (token, person) = (text(&session["token"])?, text(&session["person"]["id"])?);
        let (status, begun) = self.post("/api/conversations", Some(&token), &json!({}))?;
        ensure!(status == 201, "{status}: {begun}");
        let visitor = Visitor { token, person, conversation: text(&begun["id"])? };
        visitors.insert(name, visitor.clone());
        Ok(visitor)
    }

    fn post(&self, path: &str, token: Option<&str>, body: &Value) -> anyhow::Result<(u16, Value)> {
        let mut request =
            self.agent.post(format!("{}{path}", self.link)).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request.send(body.to_string())?;
        let text = response.body_mut().read_to_string()?;
        Ok((response.status().as_u16(), serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Presses Ctrl-C.
    ///
    /// # Errors
    /// When it has ended already.
    #[cfg(unix)]
    pub fn interrupt(&self) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-INT", &self.id().to_string()]).status()?;
        ensure!(sent.success(), "`kill` ended with {sent}");
        Ok(())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended: its exit code.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn wait(&mut self) -> anyhow::Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What it said is worth most where a test fails.
            let _unheard = std::io::stderr().write_all(self.said().as_bytes());
        }
        let _ended_already = self.kill();
    }
}

fn listen(stream: impl Read + Send + 'static, heard: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push_str(&line);
            heard.push('\n');
        }
    });
}

/// An event of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `message`, `draft`, `reply`, `problem` and such.
    pub name: String,
    /// Its JSON.
    pub data: Value,
}

/// A conversation's events as they come (server-sent events, WHATWG HTML section 9.2.6); ends when the server closes the stream.
pub struct Events {
    body: Box<dyn BufRead>,
}

impl Iterator for Events {
    type Item = anyhow::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            match self.body.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error.into())),
            }
            match line.trim_end_matches(['\r', '\n']).split_once(':') {
                None if !data.is_empty() => {
                    let data = serde_json::from_str(&data).with_context(|| data.clone());
                    return Some(data.map(|data| Event { name, data }));
                }
                Some(("event", value)) => name = value.trim_start().to_owned(),
                Some(("data", value)) => data.push_str(value.trim_start()),
                _ => {}
            }
        }
    }
}

impl Events {
    /// The next whole reply: the message that it answers, and the reply.
    ///
    /// # Errors
    /// When the stream ends first, or an apology comes instead.
    pub fn reply(&mut self) -> anyhow::Result<(String, Value)> {
        for event in self {
            let Event { name, mut data } = event?;
            let of = data["in_reply_to"].as_str().unwrap_or_default().to_owned();
            match name.as_str() {
                "reply" => return Ok((of, data["reply"].take())),
                "problem" => bail!("{data}"),
                _ => {}
            }
        }
        bail!("the stream ended without a reply")
    }
}
