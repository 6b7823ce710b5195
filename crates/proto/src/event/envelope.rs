//! Owns the encoding of an event with its place in the story: one `data:` line of the stream (contract 3.3).
//!
//! Written by hand because order matters here (`type` first, so that a reader can choose) and because a derived decoder
//! either refuses an unknown kind or hides why a known one is broken.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess},
    ser::SerializeStruct,
};
use serde_json::Value;

use super::{Event, UnknownEvent};
use crate::{Epoch, Seq};

/// Is an event with its place in the story: `{"type", "seq", "epoch", "payload"}`.
///
/// Our own events about the stream (`gap`, `end`) and a contract server's events have no place; it is then left out.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Change, Envelope, Event, Seq, SkillsEvent};
///
/// let envelope = Envelope {
///     event: Event::SkillsEvent(Change::updated(SkillsEvent::default())),
///     seq: Some(Seq(7)),
///     epoch: Some("k3v9".parse().unwrap()),
/// };
/// assert_eq!(
///     serde_json::to_string(&envelope)?,
///     r#"{"type":"skills_event","seq":7,"epoch":"k3v9","payload":{"type":"updated","payload":{"states":[]}}}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// What happened.
    pub event: Event,
    /// Its number.
    pub seq: Option<Seq>,
    /// The epoch of that number.
    pub epoch: Option<Epoch>,
}

impl Envelope {
    /// Borrows the parts, for writing.
    #[must_use]
    pub const fn as_ref(&self) -> EnvelopeRef<'_> {
        EnvelopeRef {
            event: &self.event,
            seq: self.seq,
            epoch: self.epoch.as_ref(),
        }
    }
}

impl From<Event> for Envelope {
    /// Makes an envelope without a place.
    fn from(event: Event) -> Self {
        Self {
            event,
            seq: None,
            epoch: None,
        }
    }
}

/// Is an [`Envelope`] that borrows its parts, for a server that shares one event among its readers.
///
/// # Examples
///
/// ```
/// use runwright_proto::{End, EndReason, EnvelopeRef, Event};
///
/// let event = Event::End(End { reason: EndReason::WorkspaceClosed });
/// let envelope = EnvelopeRef { event: &event, seq: None, epoch: None };
/// assert_eq!(serde_json::to_string(&envelope)?, r#"{"type":"end","payload":{"reason":"workspace_closed"}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvelopeRef<'a> {
    /// What happened.
    pub event: &'a Event,
    /// Its number.
    pub seq: Option<Seq>,
    /// The epoch of that number.
    pub epoch: Option<&'a Epoch>,
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl Serialize for EnvelopeRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = 2 + usize::from(self.seq.is_some()) + usize::from(self.epoch.is_some());
        let mut map = serializer.serialize_struct("Envelope", len)?;
        map.serialize_field("type", self.event.kind())?;
        if let Some(seq) = self.seq {
            map.serialize_field("seq", &seq)?;
        }
        if let Some(epoch) = self.epoch {
            map.serialize_field("epoch", epoch)?;
        }
        serialize_payload(self.event, &mut map)?;
        map.end()
    }
}

fn serialize_payload<M: SerializeStruct>(event: &Event, map: &mut M) -> Result<(), M::Error> {
    const PAYLOAD: &str = "payload";
    match event {
        Event::Message(payload) => map.serialize_field(PAYLOAD, payload),
        Event::Session(payload) => map.serialize_field(PAYLOAD, payload),
        Event::File(payload) => map.serialize_field(PAYLOAD, payload),
        Event::PermissionRequest(payload) => map.serialize_field(PAYLOAD, payload),
        Event::PermissionNotification(payload) => map.serialize_field(PAYLOAD, payload),
        Event::QuestionRequest(payload) => map.serialize_field(PAYLOAD, payload),
        Event::QuestionNotification(payload) => map.serialize_field(PAYLOAD, payload),
        Event::AgentEvent(payload) => map.serialize_field(PAYLOAD, payload),
        Event::RunComplete(payload) => map.serialize_field(PAYLOAD, payload),
        Event::ConfigChanged(payload) => map.serialize_field(PAYLOAD, payload),
        Event::LspEvent(payload) => map.serialize_field(PAYLOAD, payload),
        Event::McpEvent(payload) => map.serialize_field(PAYLOAD, payload),
        Event::SkillsEvent(payload) => map.serialize_field(PAYLOAD, payload),
        Event::UpdateAvailable(payload) => map.serialize_field(PAYLOAD, payload),
        Event::MessageDelta(payload) => map.serialize_field(PAYLOAD, payload),
        Event::Gap(payload) => map.serialize_field(PAYLOAD, payload),
        Event::End(payload) => map.serialize_field(PAYLOAD, payload),
        Event::Unknown(event) => map.serialize_field(PAYLOAD, &event.payload),
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Type,
    Seq,
    Epoch,
    Payload,
    #[serde(other)]
    Other,
}

struct EnvelopeVisitor;

impl<'de> de::Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event with `type` and `payload`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut kind: Option<String> = None;
        let (mut seq, mut epoch) = (None, None);
        let mut early: Option<Value> = None;
        let mut event = None;
        while let Some(key) = map.next_key()? {
            match (key, &kind) {
                (Key::Type, _) => kind = Some(map.next_value()?),
                (Key::Seq, _) => seq = map.next_value()?,
                (Key::Epoch, _) => epoch = map.next_value()?,
                (Key::Payload, Some(kind)) => event = Some(map.next_value_seed(Payload(kind))?),
                // A payload that comes before its type is decoded when the type is known.
                (Key::Payload, None) => early = Some(map.next_value()?),
                (Key::Other, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let kind = kind.ok_or_else(|| de::Error::missing_field("type"))?;
        let event = event.map_or_else(
            || {
                Payload(&kind)
                    .deserialize(early.unwrap_or_default())
                    .map_err(de::Error::custom)
            },
            Ok,
        )?;
        Ok(Envelope { event, seq, epoch })
    }
}

/// Decodes the payload of the kind it holds.
struct Payload<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Payload<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, payload: D) -> Result<Event, D::Error> {
        match self.0 {
            "message" => Deserialize::deserialize(payload).map(Event::Message),
            "session" => Deserialize::deserialize(payload).map(Event::Session),
            "file" => Deserialize::deserialize(payload).map(Event::File),
            "permission_request" => Deserialize::deserialize(payload).map(Event::PermissionRequest),
            "permission_notification" => {
                Deserialize::deserialize(payload).map(Event::PermissionNotification)
            }
            "question_batch_request" => {
                Deserialize::deserialize(payload).map(Event::QuestionRequest)
            }
            "question_batch_notification" => {
                Deserialize::deserialize(payload).map(Event::QuestionNotification)
            }
            "agent_event" => Deserialize::deserialize(payload).map(Event::AgentEvent),
            "run_complete" => Deserialize::deserialize(payload).map(Event::RunComplete),
            "config_changed" => Deserialize::deserialize(payload).map(Event::ConfigChanged),
            "lsp_event" => Deserialize::deserialize(payload).map(Event::LspEvent),
            "mcp_event" => Deserialize::deserialize(payload).map(Event::McpEvent),
            "skills_event" => Deserialize::deserialize(payload).map(Event::SkillsEvent),
            "update_available" => Deserialize::deserialize(payload).map(Event::UpdateAvailable),
            "message_delta" => Deserialize::deserialize(payload).map(Event::MessageDelta),
            "gap" => Deserialize::deserialize(payload).map(Event::Gap),
            "end" => Deserialize::deserialize(payload).map(Event::End),
            kind => Value::deserialize(payload).map(|payload| {
                Event::Unknown(UnknownEvent {
                    kind: Arc::from(kind),
                    payload,
                })
            }),
        }
    }
}
