//! A client of the gateway that does no more than it is told.

use std::time::Duration;

use flate2::{Decompress, FlushDecompress};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::asking::Place;

pub(crate) const GUILDS: u64 = 1;
pub(crate) const MESSAGES: u64 = 1 << 9;
pub(crate) const REACTIONS: u64 = 1 << 10;
pub(crate) const DIRECT: u64 = 1 << 12;
pub(crate) const CONTENT: u64 = 1 << 15;

/// A connection of a client's.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    stream: Option<Decompress>,
    pub(crate) was_binary: bool,
}

impl Client {
    pub(crate) async fn new(place: &Place, query: &str) -> Self {
        let url = format!("ws://{}/?v=10&encoding=json{query}", place.discord.address());
        let (socket, _) = connect_async(url).await.unwrap();
        let stream = query.contains("zlib").then(|| Decompress::new(true));
        let mut client = Self { socket, stream, was_binary: false };
        assert_eq!(client.next().await.unwrap()["op"], 10);
        client
    }

    pub(crate) async fn identified(place: &Place, intents: u64) -> Self {
        let mut client = Self::new(place, "").await;
        client.identify(place, intents, json!({})).await;
        assert_eq!(client.next().await.unwrap()["t"], "READY");
        client
    }

    pub(crate) async fn identify(&mut self, place: &Place, intents: u64, more: Value) {
        let mut data =
            json!({"token": place.discord.token(), "intents": intents, "properties": {"os": "linux"}});
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        self.send(json!({"op": 2, "d": data})).await;
    }

    pub(crate) async fn send(&mut self, payload: Value) {
        self.socket.send(Message::text(payload.to_string())).await.unwrap();
    }

    /// The next payload, or the code that the connection was closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await.unwrap();
            match message {
                Some(Ok(Message::Text(text))) => {
                    self.was_binary = false;
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Binary(bytes))) => {
                    self.was_binary = true;
                    let mut text = Vec::with_capacity(1 << 20);
                    match &mut self.stream {
                        Some(stream) => {
                            assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
                            stream.decompress_vec(&bytes, &mut text, FlushDecompress::Sync).unwrap();
                        }
                        None => {
                            Decompress::new(true)
                                .decompress_vec(&bytes, &mut text, FlushDecompress::Finish)
                                .unwrap();
                        }
                    }
                    return Ok(serde_json::from_slice(&text).unwrap());
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.unwrap().code.into()),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next payload of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let payload = self.next().await.unwrap();
            if payload["t"] == name {
                return payload["d"].clone();
            }
        }
    }
}
