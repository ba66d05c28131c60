//! The `web` table as it is printed. In: nothing. Out: TOML with every key at its default, and what each means.

/// The `web` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# Web chat.
[web]
# The address to listen on; 127.0.0.1 is this machine alone.
host = "127.0.0.1"
# The port; where it is taken, the next free one of the 20 that follow.
port = 8080
# What people must know to use the chat; the page asks for it once.
# token = "a long random text"
# Whether everybody who can reach the address may chat. Any host but a loopback address needs this, a token or an identity.
public = false
# Names under which people reach the page, such as behind a proxy: ["chat.example.org"].
allowed_hosts = []
# Other sites whose pages may hold the widget and ask the API: ["https://www.example.org"].
origins = []
# Proxies whose X-Forwarded-For or Forwarded header is believed: ["127.0.0.1", "10.0.0.0/8"].
trusted_proxies = []
# The longest message taken, in characters.
max_message_chars = 4000
# How long somebody who gave no name is known as the same, in days, after they were last here.
guest_days = 30
# Whether people may look around in the graph from what an answer cites.
explore = true
# Whether pictures of other sites are shown in answers; each tells its site who reads it.
images = false
# Whether the page offers to talk to a human.
human = false

# The files that people may send along with a message.
[web.files]
# How many with a message; 0 takes none at all.
max_per_message = 4
# The largest one, in bytes.
max_bytes = 10000000
# What one person, and all people together, may have lying here at the same time, in bytes.
person_bytes = 50000000
total_bytes = 2000000000
# Their media types; * may stand for what is behind the slash.
types = ["image/png", "image/jpeg", "image/webp", "image/gif", "audio/*", "text/plain"]

# How much one person or one address may ask for; 0 sets no limit. An IPv6 address counts with its neighbours (/64). What comes from this
# machine itself counts as no address.
[web.limits]
# Messages, changes and presses in a minute.
messages_per_minute = 20
address_messages_per_minute = 120
# Requests of any kind in a minute.
address_requests_per_minute = 1200
# New guests in an hour.
address_sessions_per_hour = 60
# Event streams that are open: one for each tab.
streams = 8
address_streams = 100
# Requests with one API key in a minute.
key_requests_per_minute = 0
# Connections that are open.
connections = 10000
address_connections = 200
# How long a request's head may take to arrive, and a connection may idle between two requests, in seconds.
header_timeout_s = 15
# How long a request's body may take to arrive, in seconds, beside a second for each 16 KiB of it.
body_timeout_s = 20
# The largest body of a request to what is served beside the chat, such as /v1, in bytes.
body_bytes = 4000000

# The certificate (PEM, with those that lead to its root) and its private key, where no proxy speaks TLS. Renewed files are taken up.
[web.tls]
# certificate = "/etc/letsencrypt/live/chat.example.org/fullchain.pem"
# key = "/etc/letsencrypt/live/chat.example.org/privkey.pem"

# How the site that holds the widget says who somebody is: by a JWT with sub, exp, aud and perhaps name.
[web.identity]
# A secret of at least 32 bytes that both sides know, for HS256 …
# secret = "a long random text of both sides"
# … or the site's public key, for RS256, ES256 or EdDSA: PEM, or the path of a PEM file.
# public_key = "site.pem"
# What iss must say; without it, anything.
# issuer = "https://www.example.org"
# What aud must say; needed with either key.
# audience = "loquat"
# How long somebody is believed to be who the site said, in hours.
hours = 12
"#
}
